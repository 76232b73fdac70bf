"""Reads a CSV file with DuckDB: its valid rows, and its rejects with line and reason."""

import io
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
from pyarrow import csv as arrow_csv

from ml.loading.days import StatedDates, find_days
from ml.loading.files import KINDS, Column, RawFile
from ml.loading.records import Record, write_numbered

SETTINGS = {"memory_limit": "500MB", "threads": "1"}
# One file is judged while PostgreSQL takes in another: both keep a core busy.
JUDGING = threading.Lock()
BATCH = 100_000  # rows
PIECE = 1024 * 1024  # bytes
NO_HEADER = arrow_csv.WriteOptions(include_header=False)
WHOLE_TYPES = ("smallint", "integer", "bigint")
CSV = "auto_detect = false, strict_mode = true, delim = ','"
QUOTED = "quote = '\"', escape = '\"'"
MACROS = r"""
create macro octet_length(field) as strlen(field);
create macro wrong(header, field, problem) as
    header || ' ''' || left(field, 60) || '''' || case when length(field) > 60 then '...' else '' end || ' ' || problem;
"""
# The fields that a record has too many or too few, in DuckDB's own list; its first field is the record's number.
MISCOUNTED = """
select
    split_part(csv_line, ',', 1)::bigint as line_number,
    'has ' || case error_type when 'TOO MANY COLUMNS' then max(column_idx) - 1 else min(column_idx) - 1 end
        || ' fields, expected {columns}' as reason
from reject_errors group by csv_line, error_type
"""
# One pass. A record with several days is counted once for each of them.
COUNTS = """
create or replace table fields as
select
    case {headers} end as header, coalesce({fields}) as field, count(*) as rows,
    count(*) filter (where not ({good})) as bad, bool_and(is_ordered) as is_ordered,
    count(*) filter (where {dotted}) as dotted
from (select *, {sorted_by} >= lag({sorted_by}) over () as is_ordered from valued)
group by grouping sets ({sets})
"""
TOTALS = """
select coalesce(sum(rows), 0), coalesce(sum(bad), 0), bool_and(is_ordered), coalesce(sum(dotted), 0)
from fields where header = (select min(header) from fields)
"""
DUPLICATES = """
select line_number, '{header} ' || key || ' is in line ' || first_line || ' already'
from (
    select
        line_number, key, min(line_number) over (partition by key) as first_line,
        row_number() over (partition by key order by line_number) as place
    from (select line_number, value_of_{key} as key from valued anti join rejects using (line_number)) as keys
) as numbered
where place > 1
"""


class Reading:
    """The records of one file in DuckDB, judged by the rules of its columns.

    `rows_in_file` counts records; `rejects` is a DuckDB table of line number and reason, with a row for each reason.
    """

    def __init__(self, raw: RawFile, folder: Path, stated: StatedDates) -> None:
        self.raw = raw
        self.folder = folder  # for copies of the file and for what does not fit into memory
        self.stated = stated
        self.rows_in_file = 0
        self._good = self._order = ""
        self._dotted = 0
        self._as_they_are: Path | None = None  # the file, if its rows need neither sorting nor another spelling
        self.duck = duckdb.connect(config={**SETTINGS, "temp_directory": str(folder / "spill")})
        self.duck.execute(MACROS)

    def read_plain(self, path: Path, lines: int) -> bool:
        """Read a file without quotes as it is; False if a record is not good or a line is blank."""
        (self.folder / "plain.csv").symlink_to(path)
        try:
            self._create_records("plain.csv", "header = true, quote = '', escape = ''", numbered=False)
            with JUDGING:
                self._judge()
        except duckdb.InvalidInputException:
            return False
        if self.rejected or self.rows_in_file != lines - 1:
            return False
        if self._order == "" and not self._dotted:
            self._as_they_are = path
        return True

    def read_records(self, records: Iterable[Record]) -> None:
        """Read records that begin with their numbers."""
        write_numbered(records, self.folder)
        self._create_records("records.csv", f"header = false, {QUOTED}, store_rejects = true", numbered=True)
        with JUDGING:
            self._judge()
        problems = f"read_csv({self._file('problems.csv')}, {CSV}, {QUOTED}, header = false, columns = "
        problems += "{'line_number': 'bigint', 'reason': 'text'})"
        miscounted = MISCOUNTED.format(columns=len(self.raw.columns))
        self.rows_in_file += self.value(f"insert into rejects select * from {problems} union all {miscounted}")

    def rows(self) -> Iterator[bytes]:
        """The rows that are not rejected as CSV without a header, in the order in which they lie on disk."""
        if self._as_they_are:
            yield from lines_below_header(self._as_they_are)
            return
        values = ", ".join(f"{_stored(column)} as {column.name}" for column in self.raw.columns)
        for batch in self.duck.sql(f"select {values} from {self._good} {self._order}").to_arrow_reader(BATCH):
            text = io.BytesIO()
            arrow_csv.write_csv(batch, text, NO_HEADER)
            yield text.getvalue()

    @property
    def rows_are_the_lines(self) -> bool:
        """Whether `rows` are the file's lines as they are, in their order."""
        return self._as_they_are is not None

    @property
    def rejected(self) -> int:
        """How many records are rejected."""
        return int(self.value("select count(distinct line_number) from rejects"))

    def keys(self, key: Column) -> list[tuple[int, str, int]]:
        """Line number, field and value of the key of each row that is not rejected."""
        return self.duck.execute(f"select line_number, {key.name}, value_of_{key.name} from {self._good}").fetchall()

    def value(self, query: str) -> Any:
        """The one value that a query returns."""
        [(value,)] = self.duck.execute(query).fetchall()
        return value

    def reasons(self, limit: int | None = None) -> dict[int, str]:
        """Line number and reasons of the rejects, the first `limit` of them."""
        return dict(
            self.duck.execute(
                "select line_number, string_agg(reason, '; ') from rejects group by 1 order by 1 limit $limit",
                {"limit": limit},
            ).fetchall()
        )

    def _create_records(self, file: str, options: str, *, numbered: bool) -> None:
        columns = {"line_number": "bigint"} if numbered else {}
        columns |= {column.name: "text" for column in self.raw.columns}
        number = "" if numbered else "0::bigint as line_number, "
        self._good = "valued anti join rejects using (line_number)" if numbered else "valued"
        self.duck.execute(
            f"create or replace view records as select {number}* "
            f"from read_csv({self._file(file)}, {CSV}, {options}, columns = {columns})"
        )

    def _file(self, name: str) -> str:
        return "'" + str(self.folder / name).replace("'", "''") + "'"

    def _judge(self) -> None:
        """Count the records and fill `rejects` with those that break a rule."""
        columns = self.raw.columns
        values = ", ".join(f"{_value(column)} as value_of_{column.name}" for column in columns)
        self.duck.execute(f"create or replace view valued as select *, {values} from records")
        sorted_by = next((f"value_of_{c.name}" for c in columns if c.name == self.raw.sorted_by), "line_number")
        self.duck.execute(
            COUNTS.format(
                headers=" ".join(f"when grouping({day.name}) = 0 then '{day.header}'" for day in self.raw.days)
                or "when true then ''",
                fields=", ".join(day.name for day in self.raw.days) or "null",
                good=_good(self.raw),
                dotted=" or ".join(f"contains({c.name}, '.')" for c in columns if KINDS[c.kind].type in WHOLE_TYPES),
                sorted_by=sorted_by,
                sets=", ".join(f"({day.name})" for day in self.raw.days) or "()",
            )
        )
        [(self.rows_in_file, bad, is_ordered, self._dotted)] = self.duck.execute(TOTALS).fetchall()
        find_days(self.duck, self.raw, self.stated)
        bad_days = self.value("select count(problem) from days")
        # Sorting takes longer than seeing that nothing is to be sorted.
        self._order = "" if is_ordered else f"order by {sorted_by}"
        self.duck.execute("create or replace table rejects (line_number bigint, reason text)")
        if bad or bad_days:
            days = " ".join(
                f"left join days as day_{day.name} on day_{day.name}.header = '{day.header}'"
                f" and day_{day.name}.field = valued.{day.name} and day_{day.name}.problem is not null"
                for day in self.raw.days
            )
            reasons = ", ".join(reason for column in columns for reason in _reasons(column))
            self.duck.execute(f"""
                insert into rejects
                select line_number, reason
                from (select line_number, concat_ws('; ', {reasons}) as reason from valued {days})
                where reason <> ''
            """)
        if key := self.raw.key:
            self.duck.execute("insert into rejects " + DUPLICATES.format(header=key.header, key=key.name))


def lines_below_header(path: Path) -> Iterator[bytes]:
    """The contents of the file after its first line, in pieces."""
    with path.open("rb") as file:
        file.readline()
        yield from iter(lambda: file.read(PIECE), b"")


def _value(column: Column) -> str:
    return KINDS[column.kind].value.format(field=column.name)


def _stored(column: Column) -> str:
    """SQL of what PostgreSQL is sent: the field's text without the .0 of a whole number, which it would not take."""
    if KINDS[column.kind].type not in WHOLE_TYPES:
        return column.name
    return f"case when contains({column.name}, '.') then value_of_{column.name}::text else {column.name} end"


def _holds(column: Column) -> str:
    kind, value = KINDS[column.kind], f"value_of_{column.name}"
    return f"coalesce({value} is not null and {kind.rule.format(value=value) or 'true'}, false)"


def _good(raw: RawFile) -> str:
    """SQL of whether nothing is wrong with the fields of a record, apart from its days."""
    good = []
    for column in raw.columns:
        kind, field = KINDS[column.kind], f"{column.name}"
        if kind.modifier:
            good.append(f"{field} is not null")
        if kind.type != "date":
            good.append(_holds(column) if kind.modifier else f"({field} is null or {_holds(column)})")
    return " and ".join(good)


def _reasons(column: Column) -> list[str]:
    """SQL of what is wrong with the column's field, each part NULL where nothing is."""
    kind, field = KINDS[column.kind], f"valued.{column.name}"
    reasons = [f"case when {field} is null then '{column.header} is empty' end"] if kind.modifier else []
    if kind.type != "date":
        wrong = f"wrong('{column.header}', {field}, '{kind.expected}')"
        return [*reasons, f"case when {field} is not null and not {_holds(column)} then {wrong} end"]
    return [*reasons, f"day_{column.name}.problem"]
