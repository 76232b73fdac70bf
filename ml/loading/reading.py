"""Reads a CSV file with DuckDB: its valid rows, and its rejects with line and reason."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ml.loading.days import StatedDates, find_days
from ml.loading.files import KINDS, Column, RawFile
from ml.loading.records import Record, write_numbered

SETTINGS = {"memory_limit": "700MB", "threads": "2"}
BATCH = 100_000  # rows
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
DUPLICATES = """
select line_number, '{header} ' || key || ' is in line ' || first_line || ' already'
from (
    select
        line_number, key, min(line_number) over (partition by key) as first_line,
        row_number() over (partition by key order by line_number) as place
    from (select line_number, {value} as key from records anti join rejects using (line_number)) as keys
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
        self.duck = duckdb.connect(config={**SETTINGS, "temp_directory": str(folder / "spill")})
        self.duck.execute(MACROS)

    def read_plain(self, path: Path) -> bool:
        """Read a file without quotes as it is; False where a record is not good: then lines must be counted."""
        (self.folder / "plain.csv").symlink_to(path)
        try:
            self._create_records("plain.csv", "header = true, quote = '', escape = ''", numbered=False)
            self._judge()
            return not self.rejected
        except duckdb.InvalidInputException:
            return False

    def read_records(self, records: Iterable[Record]) -> None:
        """Read records that begin with their numbers."""
        write_numbered(records, self.folder)
        self._create_records("records.csv", f"header = false, {QUOTED}, store_rejects = true", numbered=True)
        self._judge()
        problems = f"read_csv({self._file('problems.csv')}, {CSV}, {QUOTED}, header = false, columns = "
        problems += "{'line_number': 'bigint', 'reason': 'text'})"
        miscounted = MISCOUNTED.format(columns=len(self.raw.columns))
        self.rows_in_file += self.value(f"insert into rejects select * from {problems} union all {miscounted}")

    def rows(self) -> pa.RecordBatchReader:
        """The rows that are not rejected, in the order in which they lie on disk, as PostgreSQL takes them."""
        values = ", ".join(f"{_stored(column)} as {column.name}" for column in self.raw.columns)
        return self._arrow(f"select {values} from {self._good} {self._order}")

    def customers(self) -> pa.RecordBatchReader:
        """Of the payments that are not rejected: customer, first and last day, sorted by customer."""
        owner = next(column for column in self.raw.columns if column.kind == "owner")
        self.duck.execute(f"""
            create table customers as
            select {_value(owner)} as customer_id, min(fecha)::date as first_payment_date, max(fecha)::date as last
            from {self._good} group by 1
        """)
        return self._arrow("select customer_id, first_payment_date from customers order by 1")

    @property
    def rejected(self) -> int:
        """How many records are rejected."""
        return int(self.value("select count(distinct line_number) from rejects"))

    def keys(self, key: Column) -> list[tuple[int, str, int]]:
        """Line number, field and value of the key of each row that is not rejected."""
        return self.duck.execute(f"select line_number, {key.name}, {_value(key)} from {self._good}").fetchall()

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
        self._good = "records anti join rejects using (line_number)" if numbered else "records"
        self.duck.execute(
            f"create or replace view records as select {number}* "
            f"from read_csv({self._file(file)}, {CSV}, {options}, columns = {columns})"
        )

    def _file(self, name: str) -> str:
        return "'" + str(self.folder / name).replace("'", "''") + "'"

    def _arrow(self, query: str) -> pa.RecordBatchReader:
        return self.duck.sql(query).to_arrow_reader(BATCH)

    def _judge(self) -> None:
        """Count the records and fill `rejects` with those that break a rule."""
        find_days(self.duck, self.raw, self.stated)
        reasons = ", ".join(reason for column in self.raw.columns for reason in _reasons(column))
        bad_days = " ".join(
            f"left join days as day_{column.name} on day_{column.name}.header = '{column.header}'"
            f" and day_{column.name}.field = records.{column.name} and day_{column.name}.problem is not null"
            for column in self.raw.days
        )
        order = [_value(column) for column in self.raw.columns if column.name == self.raw.sorted_by]
        sorted_by = order[0] if order else "line_number"
        self.duck.execute(f"""
            create or replace view judged as
            select line_number, nullif(concat_ws('; ', {reasons}), '') as reason, ordered
            from (select *, {sorted_by} >= lag({sorted_by}) over () as ordered from records) as records {bad_days}
        """)
        judged = self.duck.execute("select count(*), count(reason), bool_and(ordered) from judged")
        [(self.rows_in_file, bad, is_ordered)] = judged.fetchall()
        # Sorting takes longer than seeing that nothing is to be sorted.
        self._order = "" if is_ordered else f"order by {sorted_by}"
        where = "reason is not null" if bad else "false"
        self.duck.execute(f"create or replace table rejects as select line_number, reason from judged where {where}")
        if key := self.raw.key:
            self.duck.execute("insert into rejects " + DUPLICATES.format(header=key.header, value=_value(key)))


def _value(column: Column) -> str:
    return KINDS[column.kind].value.format(field=column.name)


def _stored(column: Column) -> str:
    """SQL of what PostgreSQL is sent: text that it reads itself, but for whole numbers, whose .0 it does not take."""
    return _value(column) if KINDS[column.kind].type in ("smallint", "integer", "bigint") else column.name


def _reasons(column: Column) -> list[str]:
    """SQL of what is wrong with the column's field, each part NULL where nothing is."""
    kind = KINDS[column.kind]
    if kind.type == "date":
        reasons = [f"day_{column.name}.problem"]
    else:
        value = _value(column)
        holds = f"{value} is not null and {kind.rule.format(value=value) if kind.rule else 'true'}"
        reasons = [
            f"case when records.{column.name} is not null and not coalesce({holds}, false)"
            f" then wrong('{column.header}', {column.name}, '{kind.expected}') end"
        ]
    if kind.modifier:
        reasons.append(f"case when records.{column.name} is null then '{column.header} is empty' end")
    return reasons
