"""Reads `.env` with the rules that Docker Compose applies to it, so that both ways of running see the same values."""

import re
from collections.abc import Mapping
from pathlib import Path

from local.console import Failure

ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)", re.DOTALL)
QUOTED = re.compile(r"""(?:'(?P<literal>[^']*)'|"(?P<escaped>(?:[^"\\]|\\.)*)")\s*(?:#.*)?""", re.DOTALL)
VARIABLE = re.compile(r"\\\$|\$(?:\{(\w+)\}|(\w+))")
ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def read(path: Path) -> dict[str, str]:
    """Variables of the file; none if there is no file.

    Raises:
        Failure: a line is no assignment, a quote is not closed, or a `$name` stands for nothing; names file and line.
    """
    values: dict[str, str] = {}
    if not path.exists():
        return values
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise Failure(f"{path.name} is not UTF-8: {error}") from error
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        assignment = ASSIGNMENT.fullmatch(text)
        if assignment is None:
            raise Failure(f"{path.name} line {number}: {text!r} is not of the form NAME=value")
        name, raw = assignment.groups()
        try:
            values[name] = _value(raw, values)
        except ValueError as error:
            raise Failure(f"{path.name} line {number}: {name}: {error}") from error
    return values


def _value(raw: str, known: Mapping[str, str]) -> str:
    if raw[:1] not in ("'", '"'):
        return _expand(re.split(r"(?:^|\s+)#", raw, maxsplit=1)[0].rstrip(), known)
    quoted = QUOTED.fullmatch(raw)
    if quoted is None:
        raise ValueError(f"the quote that opens {raw!r} is not closed at the end of the line")
    if (literal := quoted["literal"]) is not None:
        return literal
    expanded = _expand(quoted["escaped"], known)
    return re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), expanded)


def _expand(text: str, known: Mapping[str, str]) -> str:
    def replacement(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name is None:
            return found[0]
        if name not in known:
            raise ValueError(f"{found[0]} names no variable above it; a value with a $ of its own stands in 'quotes'")
        return known[name]

    return VARIABLE.sub(replacement, text)
