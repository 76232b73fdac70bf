"""The rows of an uploaded CSV file in DuckDB: which can be scored, and what is wrong with the others."""

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from ml.loading.records import NoCsvFile, Record, problem, read_records, shown
from ml.model_config import ACTIVE_DAYS
from ml.scoring.upload_layout import DAYS, ID, NO_ROWS, UNSEPARATED, Layout, Refused
from ml.scoring.upload_rules import ACTIVE, FIELDS, OF_ROWS, ONCE, UNREADABLE, Rule, macros, rules
from ml.snapshots.feature import Text

SETTINGS = {"memory_limit": "200MB", "threads": "1"}
BATCH = 50_000  # rows
MOST_PROBLEMS = 1_000_000  # kept for the file of problems
LONGEST_VALUE = 60  # characters that are shown of what is wrong
RECORDS_A_REPORT = 20_000
Progress = Callable[[float], None]

# A spreadsheet runs a text that begins with one of these signs, or its wide form, as a formula; a number may have one.
PREPARE = r"""
create macro harmless(field) as case
    when regexp_matches(field, '^\s*[=+@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}-]')
        and not regexp_full_match(field, '[+-]?[0-9][0-9.,]*([eE][+-]?[0-9]+)?') then '''' || field
    else field
end;
create table sentences (code integer, english text, spanish text);
create table problems (line bigint, header text, field text, code integer, detail text);
create table repeated (line bigint, customer_id bigint, first_line bigint);
"""
# What is read into values is kept as text only where the row is not good.
RECORDS = """
create table records as
select line, is_good, {values}, {texts}
from (
    select *, {is_good} as is_good
    from (
        select *, {read}
        from read_csv(
            $file, auto_detect = false, strict_mode = true, header = false, delim = $delimiter, quote = '"',
            escape = '"', columns = {columns}, store_rejects = true, rejects_limit = {most}
        )
    )
)
"""
UNREAD = """
insert into problems
select column0, '', column1, {code}, null
from read_csv($file, auto_detect = false, header = false, quote = '"', escape = '"', delim = ',',
    columns = {{'column0': 'bigint', 'column1': 'text'}})
"""
# Its first field is the record's number.
MISCOUNTED = """
insert into problems
select
    split_part(csv_line, $delimiter, 1)::bigint, '',
    left(substr(csv_line, strpos(csv_line, $delimiter) + 1), {longest}), {code}, '{width}'
from reject_errors
group by csv_line
"""
REPEATED = """
insert into repeated
with ids as (select customer_id, min(line) as first_line from records where is_good group by 1 having count(*) > 1)
select line, customer_id, first_line from records join ids using (customer_id) where is_good and line > first_line
"""
TOLD = """
create view told as
select
    line as "row", header as "column", coalesce(field, '') as "value",
    replace(english, '{}', coalesce(detail, '')) as expected, replace(spanish, '{}', coalesce(detail, '')) as esperado
from problems join sentences using (code) order by line, problems.rowid
"""
WRITTEN = """
copy (select "row", "column", harmless("value") as "value", expected, esperado from told)
to $file (header true, delimiter $delimiter)
"""


class Problem(NamedTuple):
    """Row in the file (the header is row 1), column (empty: the whole row), what is there, and what is expected."""

    row: int
    column: str
    value: str
    expected: Text


class Found(NamedTuple):
    """A problem of one field that showed when its row was scored; `detail` takes the place of {} in `expected`."""

    line: int
    field: str
    expected: Text
    detail: str


class Rows:
    """The rows of one file, checked. `total` = rows that `good` gives + `rejected`; `problem_count` counts all of them.

    `folder` holds a copy of the file while it is read, and what does not fit into memory.

    Raises:
        Refused: there is no row, or a line is too long for a CSV file.
    """

    def __init__(self, path: Path, layout: Layout, folder: Path, progress: Progress) -> None:
        self.layout = layout
        self._rules = rules(layout)
        self._codes = {expected: code for code, expected in enumerate([*OF_ROWS, *(r.expected for r in self._rules)])}
        self._duck = duckdb.connect(str(folder / "rows.duckdb"), config={**SETTINGS, "temp_directory": str(folder)})
        self._duck.execute(PREPARE + TOLD + ";" + macros(layout))
        self._duck.executemany(
            "insert into sentences values (?, ?, ?)", [(n, *text) for text, n in self._codes.items()]
        )
        self.total = self._read(path, folder, progress)
        if not self.total:
            raise Refused(NO_ROWS)
        self.problem_count = self.rejected = self.total - self._value("select count(*) from records")
        listed = self._value("select count(*) from problems")
        if listed != self.rejected and listed < MOST_PROBLEMS:
            raise RuntimeError(f"{self.rejected} records were not read, but {listed} are listed")
        self._check()

    def good(self) -> Iterator[pa.Table]:
        """The rows without problems, in the file's order: `line`, the values of the columns read, texts to pass on."""
        read = [f'"{rule.name}"' for rule in self._rules]
        passed = [f"harmless(c{place}) as passed_{place}" for place in self.layout.passed_on.values()]
        query = (
            f"select {', '.join(['line', *read, *passed])} from records anti join repeated using (line) where is_good"
        )
        for batch in self._duck.cursor().sql(query).to_arrow_reader(BATCH):
            yield pa.Table.from_batches([batch])

    def passed_on(self) -> list[str]:
        """The headers of the columns that are passed on."""
        return [self._value("select harmless($header)", {"header": header}) for header in self.layout.passed_on]

    def reject(self, header: str, problems: Iterable[Found]) -> None:
        """Add what showed only when scoring, one problem for each row."""
        found = [(one.line, header, one.field, self._codes[one.expected], one.detail) for one in problems]
        if found:
            names = ("line", "header", "field", "code", "detail")
            new = pa.table([pa.array(values) for values in zip(*found, strict=True)], names=names)  # noqa: F841
            self._duck.execute("insert into problems select * from new")
            self.problem_count += len(found)
            self.rejected += len(found)

    def problems(self, limit: int) -> list[Problem]:
        """The first problems by row."""
        found = self._duck.execute("select * from told limit $limit", {"limit": limit}).fetchall()
        return [Problem(row, column, value, Text(*expected)) for row, column, value, *expected in found]

    def write_problems(self, path: Path) -> None:
        """All problems that are kept, as CSV, what is expected in both languages."""
        self._duck.execute(WRITTEN, {"file": str(path), "delimiter": self.layout.delimiter})

    def close(self) -> None:
        """Close the database, whose file is in the folder."""
        self._duck.close()

    def _value(self, query: str, parameters: dict[str, str] | None = None) -> Any:
        [(value,)] = self._duck.execute(query, parameters).fetchall()
        return value

    def _read(self, path: Path, folder: Path, progress: Progress) -> int:
        """Read the records into a table, those that no reader can read into `problems`; return how many there are."""
        delimiter = self.layout.delimiter
        good, bad = folder / "records.csv", folder / "unread.csv"
        records = read_records(path, self.layout.width, delimiter.encode())
        try:
            total = _write_numbered(records, delimiter.encode(), good, bad, path.stat().st_size, progress)
        except NoCsvFile as error:
            raise Refused(UNSEPARATED) from error
        self._duck.execute(self._records(), {"file": str(good), "delimiter": delimiter})
        good.unlink()
        self._duck.execute(UNREAD.format(code=self._codes[UNREADABLE]), {"file": str(bad)})
        told = {"code": self._codes[FIELDS], "width": self.layout.width, "longest": LONGEST_VALUE}
        self._duck.execute(MISCOUNTED.format(**told), {"delimiter": delimiter})
        return total

    def _records(self) -> str:
        """The statement that reads the records and judges their fields."""
        places = range(self.layout.width)
        passed = self.layout.passed_on.values()
        return RECORDS.format(
            values=", ".join(f'"{rule.name}"' for rule in self._rules),
            texts=", ".join(
                f"case when {place in passed} or not is_good then c{place} end as c{place}" for place in places
            ),
            read=", ".join(f'{rule.value} as "{rule.name}"' for rule in self._rules),
            is_good=" and ".join(f"({rule.is_good})" for rule in [*self._rules, *self._active()]),
            columns={"line": "bigint"} | {f"c{place}": "text" for place in places},
            most=MOST_PROBLEMS,
        )

    def _active(self) -> list[Rule]:
        """That the customer is active, if the file says so."""
        days = [rule for rule in self._rules if rule.name == DAYS]
        return [replace(rule, is_good=f"coalesce({DAYS} < {ACTIVE_DAYS}, true)", expected=ACTIVE) for rule in days]

    def _check(self) -> None:
        """Say what is wrong with each field, and which rows repeat a customer that is in a good row already."""
        wrong = [self._wrong(rule) for rule in [*self._rules, *self._active()]]
        found = f"select line, list_filter([{', '.join(wrong)}], lambda each: each is not null) as problems"
        found += " from records where not is_good"
        [(rows, count)] = self._duck.execute(
            f"select count(*), coalesce(sum(len(problems)), 0) from ({found})"
        ).fetchall()
        self._duck.execute(f"""
            insert into problems
            select line, one.header, one.field, one.code, null
            from (select line, unnest(problems) as one from ({found})) limit {MOST_PROBLEMS}
        """)
        if ID in self.layout.read:
            self._duck.execute(REPEATED)
        self._duck.execute(f"""
            insert into problems
            select line, '{ID}', customer_id::text, {self._codes[ONCE]}, first_line::text
            from repeated limit {MOST_PROBLEMS}
        """)
        repeated = self._value("select count(*) from repeated")
        self.rejected += rows + repeated
        self.problem_count += int(count) + repeated

    def _wrong(self, rule: Rule) -> str:
        """SQL of a problem of one field; NULL if there is none."""
        field = f"coalesce(left({rule.text}, {LONGEST_VALUE}), '')"
        problem = f"{{'header': '{rule.name}', 'field': {field}, 'code': {self._codes[rule.expected]}}}"
        return f"case when not ({rule.is_good}) then {problem} end"


def _write_numbered(
    records: Iterable[Record], delimiter: bytes, good: Path, bad: Path, size: int, progress: Progress
) -> int:
    """Write records with their line numbers in front, and what cannot be read apart; return how many there are."""
    total = done = 0
    with good.open("wb") as numbered, bad.open("w", encoding="utf-8", newline="") as unread:
        problems = csv.writer(unread, lineterminator="\n")
        for total, record in enumerate(records, 1):
            if problem(record.content, delimiter):
                problems.writerow((record.number, shown(record.content)[:LONGEST_VALUE]))
            else:
                numbered.write(b"%d%s%s\n" % (record.number, delimiter, record.content))
            done += len(record.content) + 1
            if total % RECORDS_A_REPORT == 0:
                progress(min(done / size, 1.0))
    return total
