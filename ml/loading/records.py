"""The records of a CSV file with the lines at which they begin, and those that no CSV reader can read.

A stray quote would swallow the lines after it, so records with quotes are checked here before DuckDB reads them.
"""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

LONGEST_RECORD = 1024 * 1024
LONGEST_LINE = 100 * 1024 * 1024
LINES_IN_A_FIELD = 50
STRAY_QUOTES = 10_000  # a file with more is refused anyway
# A field is either without a quote or wholly inside quotes, an inner quote doubled (RFC 4180).
FIELD = rb'(?:"[^"]*(?:""[^"]*)*"|[^"%s]*)'


class Record(NamedTuple):
    """A record without its line end; `number` is its first line in the file, where the header is line 1."""

    number: int
    content: bytes


class NoCsvFile(Exception):
    """The file is not a CSV file; the message says why."""


def read_records(path: Path, columns: int, delimiter: bytes = b",") -> Iterator[Record]:
    """The records after the header; blank lines between them are left out.

    Raises:
        NoCsvFile: a line is longer than 100 MiB.
    """
    with path.open("rb") as file:
        lines = _lines(iter(lambda: file.readline(LONGEST_LINE), b""))
        next(lines)
        ahead: deque[Record] = deque()
        stray = 0
        while line := ahead.popleft() if ahead else next(lines, None):
            if not line.content:
                continue
            if b'"' in line.content and not _record(delimiter).fullmatch(line.content) and stray < STRAY_QUOTES:
                joined = _join(line, ahead, lines, columns, delimiter)
                stray += joined is line
                line = joined
            yield line


def _lines(read: Iterator[bytes]) -> Iterator[Record]:
    for number, line in enumerate(read, 1):
        if len(line) == LONGEST_LINE:
            raise NoCsvFile(f"has a line of more than 100 MiB after line {number - 1}: it is no CSV file")
        yield Record(number, line.rstrip(b"\r\n"))


def _join(line: Record, ahead: deque[Record], lines: Iterator[Record], columns: int, delimiter: bytes) -> Record:
    """The record that begins with an open quote in `line`, or `line` itself if the quote is a stray one."""
    content = line.content
    for step in range(LINES_IN_A_FIELD):
        if step == len(ahead):
            if (following := next(lines, None)) is None:
                break
            ahead.append(following)
        # A line that is a complete record is not part of a field.
        if _fields(ahead[step].content, delimiter) == columns:
            break
        content += b"\n" + ahead[step].content
        if _fields(content, delimiter) == columns:
            for _ in range(step + 1):
                ahead.popleft()
            return Record(line.number, content)
    return line


def _fields(content: bytes, delimiter: bytes) -> int | None:
    """The number of fields of the record; None if its quotes are not balanced."""
    if b'"' not in content:
        return content.count(delimiter) + 1
    return len(_every_field(delimiter).findall(content)) if _record(delimiter).fullmatch(content) else None


@lru_cache
def _record(delimiter: bytes) -> re.Pattern[bytes]:
    field = FIELD % delimiter
    return re.compile(rb"%s(?:%s%s)*" % (field, delimiter, field))


@lru_cache
def _every_field(delimiter: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(?:^|%s)%s" % (delimiter, FIELD % delimiter))


def problem(content: bytes, delimiter: bytes = b",") -> str | None:
    """Why a record must not reach a CSV reader."""
    if len(content) > LONGEST_RECORD:
        return f"is {len(content)} bytes long (at most 1 MiB)"
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return f"is not UTF-8 (byte {error.start + 1} of the line is 0x{content[error.start]:02x})"
    for sign, name in ((b"\0", "NUL byte"), (b"\r", "carriage return")):
        if sign in content:
            return f"holds a {name} (byte {content.index(sign) + 1} of the line)"
    if b'"' in content and not _record(delimiter).fullmatch(content):
        return "has a quote that is not closed, or inside a field without quotes"
    return None


def shown(content: bytes) -> str:
    """The record as text; if it is not UTF-8, bytes beyond ASCII are written \\ooo."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = re.sub(rb"[\x80-\xff]", lambda byte: b"\\%03o" % byte[0][0], content).decode()
    return text.replace("\0", r"\000")[:10_000]


def write_numbered(records: Iterable[Record], folder: Path) -> None:
    """Write valid records with their numbers to `records.csv`, numbers and problems of the others to `problems.csv`."""
    with (folder / "records.csv").open("wb") as good, (folder / "problems.csv").open("w", encoding="utf-8") as bad:
        problems = csv.writer(bad, lineterminator="\n")
        for record in records:
            if reason := problem(record.content):
                problems.writerow((record.number, reason))
            else:
                good.write(b"%d,%s\n" % record)
