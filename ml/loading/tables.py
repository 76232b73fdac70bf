"""Prints the SQL that creates the raw tables or updates old ones: `python -m ml.loading.tables`."""

from ml.loading.files import FILES, KINDS, Column, RawFile


def statements(raw: RawFile) -> list[str]:
    """PL/pgSQL statements for the table, its columns and their comments."""
    comment = f"{raw.grain} Source: {raw.file_name}, loaded by python -m ml.load."
    made = [f"create table if not exists {raw.table} ();", f"comment on table {raw.table} is {_quoted(comment)};"]
    for column in raw.columns:
        made += [
            f"perform ops.ensure_column('{raw.table}', '{column.name}', {_quoted(definition(column))});",
            f"comment on column {raw.table}.{column.name} is {_quoted(column.description)};",
        ]
    return made


def definition(column: Column) -> str:
    """The column's SQL type and constraints."""
    kind = KINDS[column.kind]
    check = f"check ({kind.rule.format(value=column.name)})" if kind.rule else ""
    return " ".join(part for part in (kind.type, kind.modifier, check) if part)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


if __name__ == "__main__":
    print("do $tables$ begin", *(statement for raw in FILES for statement in statements(raw)), "end $tables$", sep="\n")
