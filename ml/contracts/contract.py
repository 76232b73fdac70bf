"""The contents of a contract file (`airflow/include/expectations/*.yml`), and the errors for invalid ones."""

from decimal import Decimal
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, Field, StrictInt, ValidationError, model_validator

from ml.cli import CommandError
from ml.settings import settings

Sql = Annotated[str, Field(min_length=1)]


class Rule(BaseModel, extra="forbid", frozen=True, str_strip_whitespace=True):
    """One rule; the README beside the contracts describes each kind. `str()` gives its text in messages."""

    expect: Sql | None = None
    unique: Sql | None = None
    rows: Annotated[dict[Literal["min", "max"], StrictInt], Field(min_length=1)] | None = None
    share: Sql | None = None
    max: Annotated[Decimal, Field(ge=0, le=1)] | None = None
    where: Sql = "true"
    severity: Literal["fail", "warn"] = "fail"
    reject: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> "Rule":
        if sum(kind is not None for kind in (self.expect, self.unique, self.rows, self.share)) != 1:
            raise ValueError("give one of expect, unique, rows, share")
        if (self.share is None) != (self.max is None) or (self.reject and not self.expect):
            raise ValueError("max goes with share, reject with expect")
        return self

    def __str__(self) -> str:
        said = self.model_dump(mode="json", exclude={"severity"}, exclude_defaults=True)
        return " ".join(", ".join(f"{key} {value}" for key, value in said.items()).split())


class Contract(BaseModel, extra="forbid", frozen=True, str_strip_whitespace=True):
    """A table, the columns that name a row in messages, the rows that are checked, and the rules."""

    table: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$")]
    key: Sql
    where: Sql = "true"
    rules: Annotated[list[Rule], Field(min_length=1)]


class _UniqueKeyLoader(yaml.SafeLoader):
    """Reject duplicate keys, of which YAML would silently use the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if twice := [key for key in keys if keys.count(key) > 1]:
            raise yaml.constructor.ConstructorError(None, None, f"key {twice[0]!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def load(name: str) -> Contract:
    """Read `<name>.yml` from the folder of contracts.

    Raises:
        CommandError: there is no such contract, it is not YAML, or its contents are invalid.
    """
    path = settings().expectations_dir / f"{name}.yml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.yml"))) or "none"
        raise CommandError(f"no contract {name!r} in {path.parent}; there are: {known}")
    try:
        content = yaml.load(path.read_bytes(), Loader=_UniqueKeyLoader)
        return Contract.model_validate(content)
    except yaml.YAMLError as error:
        raise CommandError(f"contract {path.name} is not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        problems = [f"{_place(content, problem['loc'])}: {problem['msg']}" for problem in error.errors()]
        raise CommandError(f"contract {path.name}, {'; '.join(problems)}") from error


def _place(content: Any, loc: tuple[int | str, ...]) -> str:
    match loc:
        case ("rules", int(index), *rest):
            return ": ".join([f"rule {index + 1} {content['rules'][index]}", *map(str, rest)])
    return ".".join(map(str, loc)) or "the file"
