"""The header of an uploaded CSV file: of which kind the file is, what separates its fields, what each column is for."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Literal

from ml.cli import CommandError
from ml.snapshots.catalogue import BY_NAME
from ml.snapshots.feature import Text

ID, DAYS = "customer_id", "days_since_activity"
RESULT_COLUMNS = ("row", "snapshot_date", "score", "prediction", "model_version")
LONGEST_HEADER = 65_536  # bytes
BOM = b"\xef\xbb\xbf"
ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0", b"\x1f\x8b")  # xlsx and zip, an empty zip, xls, gzip
DELIMITERS = (",", ";", "\t")

EMPTY = Text("The file is empty; it needs a header and rows.", "El archivo está vacío; necesita un encabezado y filas.")
NO_ROWS = Text("The file has a header and no rows.", "El archivo tiene un encabezado y ninguna fila.")
ARCHIVE = Text(
    "This is an Excel workbook or an archive, not a CSV file. In Excel: Save as, CSV UTF-8.",
    "Es un libro de Excel o un archivo comprimido, no un CSV. En Excel: Guardar como, CSV UTF-8.",
)
NO_TEXT = Text(
    "The first line is not UTF-8 text. In Excel: Save as, CSV UTF-8.",
    "La primera línea no es texto UTF-8. En Excel: Guardar como, CSV UTF-8.",
)
NO_HEADER = Text(
    "The first line cannot be read as a header: {}. A header is one line of at most 64 KiB whose quotes are closed.",
    "La primera línea no se puede leer como encabezado: {}. Un encabezado es una línea de hasta 64 KiB con sus"
    " comillas cerradas.",
)
UNSEPARATED = Text(
    "A line is longer than 100 MiB: this is no CSV file.", "Una línea tiene más de 100 MiB: no es un archivo CSV."
)
TWICE = Text("Columns that are there twice: {}. Keep one of each.", "Columnas repetidas: {}. Dejá una de cada una.")
UNKNOWN = Text(
    "The header has neither {} nor the model's columns: {}. It reads: {}.",
    "El encabezado no tiene {} ni las columnas del modelo: {}. Dice: {}.",
)
MISSING = Text(
    "Columns that are missing: {}. Add them, empty where the value is not known; or keep {} alone, without features,"
    " to get the scores of a snapshot.",
    "Columnas que faltan: {}. Agregalas, vacías donde no se sabe el valor; o dejá solo {}, sin variables, para obtener"
    " los puntajes de una fecha de corte.",
)


class Refused(CommandError):
    """The whole file cannot be scored; `template` says why in both languages, with `values` in place of each {}."""

    def __init__(self, template: Text, *values: Sequence[str]) -> None:
        super().__init__(template.en.format(*(", ".join(listed) for listed in values)))
        self.template, self.values = template, values


@dataclass(frozen=True)
class Layout:
    """What the columns of a file are for; places count from 0.

    `read` is used by the model, or names the customer; `passed_on` is written beside the scores as it is; `ignored` are
    features that the version does not take, columns named like those of the result, and columns without a name.
    """

    kind: Literal["features", "ids"]
    delimiter: str
    has_bom: bool
    width: int
    read: dict[str, int]
    passed_on: dict[str, int]
    ignored: tuple[str, ...]

    @property
    def decimal_comma(self) -> bool:
        """Whether numbers have a decimal comma: where semicolons separate, as a Spanish Excel writes."""
        return self.delimiter == ";"


def recognise(file: BinaryIO, features: Sequence[str]) -> Layout:
    """Read the header, with which `file` begins; capitals and blanks around a name do not count.

    A file with any of `features` is one of features and needs all of them; otherwise it is one of customer ids.

    Raises:
        Refused: the file is empty or no CSV file, or its columns are not those of either kind.
    """
    line = _first_line(file)
    has_bom = line.startswith(BOM)
    wanted = {ID, *features}
    rows = {delimiter: names for delimiter in DELIMITERS if (names := _names(line, delimiter))}
    if not rows:
        raise Refused(NO_HEADER, [line[:60].decode("utf-8", "replace")])
    delimiter = max(rows, key=lambda each: len(wanted.intersection(_lower(rows[each]))))
    headers = rows[delimiter]
    places = {name: place for place, name in reversed(list(enumerate(_lower(headers))))}
    if not wanted & places.keys():
        raise Refused(UNKNOWN, [ID], features, headers)
    kind: Literal["features", "ids"] = "features" if places.keys() & set(features) else "ids"
    if kind == "features" and (missing := [name for name in features if name not in places]):
        raise Refused(MISSING, missing, [ID])
    named = [name for name in _lower(headers) if name]
    if twice := sorted({name for name in named if named.count(name) > 1}):
        raise Refused(TWICE, twice)
    used = {ID, DAYS, *features} if kind == "features" else {ID}
    passed = {
        headers[place]: place
        for name, place in sorted(places.items(), key=lambda item: item[1])
        if name and name not in used and name not in BY_NAME and name not in RESULT_COLUMNS
    }
    read = {name: place for name, place in places.items() if name in used}
    others = set(range(len(headers))) - set(read.values()) - set(passed.values())
    ignored = tuple(headers[place] for place in sorted(others) if headers[place])
    return Layout(kind, delimiter, has_bom, len(headers), read, passed, ignored)


def _first_line(file: BinaryIO) -> bytes:
    line = file.readline(LONGEST_HEADER)
    if not line.removeprefix(BOM).strip():
        raise Refused(EMPTY)
    if line.startswith(ARCHIVES):
        raise Refused(ARCHIVE)
    if b"\0" in line:
        raise Refused(NO_TEXT)
    if len(line) == LONGEST_HEADER:
        raise Refused(NO_HEADER, [line[:60].decode("utf-8", "replace")])
    return line


def _names(line: bytes, delimiter: str) -> list[str]:
    """The names between the delimiters; none if the line cannot be read so."""
    try:
        text = line.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise Refused(NO_TEXT) from None
    try:
        (names,) = csv.reader([text], delimiter=delimiter, strict=True)
    except (csv.Error, ValueError):  # an open quote, or a line break inside
        return []
    return [] if any('"' in name for name in names) else [name.strip() for name in names]


def _lower(names: list[str]) -> list[str]:
    return [name.lower() for name in names]
