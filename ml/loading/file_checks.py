"""Checks of a file before its rows are read."""

import csv
import hashlib
import os
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from ml.loading.files import RawFile

LONGEST_HEADER = 65_536  # bytes
PIECE = 16 * 1024 * 1024
UNUSUAL = (b'"', b"\r", b"\0")


class Contents(NamedTuple):
    """SHA-256 of a file, its bytes and lines, and whether it has no quotes, carriage returns or NUL bytes."""

    digest: str
    size: int
    lines: int
    is_plain: bool


def file_problem(path: Path, raw: RawFile) -> str | None:
    """Why the file cannot be loaded, judging by its first line; None if it can."""
    try:
        with path.open("rb") as file:
            first_line = file.readline(LONGEST_HEADER)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return f"is missing (looked for {path}); put it there, or set CSV_DIR"
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        return f"cannot be read ({reason}); let everybody read it: chmod a+r, and a+x on its folders"
    if not first_line:
        return "is empty, expected a header and rows"
    if first_line.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in first_line:
        return "is UTF-16, expected UTF-8; convert it: iconv -f UTF-16 -t UTF-8"
    try:
        header = first_line.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        return "has a first line that is not UTF-8 text; expected a CSV file with a header"
    differences = ", ".join(_differences(header, raw))
    return f"has a wrong header: {differences[:500]}" if differences else None


def _differences(header: str, raw: RawFile) -> Iterator[str]:
    expected = [column.header for column in raw.columns]
    for number, (found, wanted) in enumerate(zip_longest(next(csv.reader([header]), []), expected), 1):
        if found is None:
            yield f"column {number} is missing (expected {wanted})"
        elif wanted is None:
            yield f"column {number} is '{found}' (expected no more)"
        elif found.strip().lower() != wanted.lower():
            yield f"column {number} is '{found}' (expected {wanted})"


def contents(path: Path) -> Contents:
    """Read the file once, as bytes."""
    digest, size, lines, is_plain, piece = hashlib.sha256(), 0, 0, True, b""
    with path.open("rb") as file:
        while following := file.read(PIECE):
            piece = following
            digest.update(piece)
            size += len(piece)
            lines += piece.count(b"\n")
            is_plain = is_plain and not any(sign in piece for sign in UNUSUAL)
    return Contents(digest.hexdigest(), size, lines + (not piece.endswith(b"\n")), is_plain)
