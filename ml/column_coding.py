"""How columns travel in fields of eight bytes that are never NULL: as what PostgreSQL sends them, and what is read."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

TOGETHER = 3  # smallints in one field, each in bits of its own
BITS = 20
NULL = 32_768  # as which the NULL of a smallint travels: none is as large


class ColumnCoding:
    """A number travels as double precision with NaN for NULL, smallints three in a bigint, a text as a 64-bit hash.

    The fields are `doubles` of double precision, then `integers` of bigint, of which the last are the hashes.
    """

    def __init__(self, numbers: Sequence[str], texts: Sequence[str], smallints: Collection[str]) -> None:
        self.texts = tuple(texts)
        self._numbers = tuple(numbers)
        self._wide = [name for name in numbers if name not in smallints]
        narrow = [name for name in numbers if name in smallints]
        self._packs = [narrow[start : start + TOGETHER] for start in range(0, len(narrow), TOGETHER)]
        self.doubles = len(self._wide)
        self.integers = len(self._packs) + len(texts)

    def select_list(self) -> sql.Composed:
        """The expressions that PostgreSQL sends."""
        doubles = [sql.SQL("coalesce({}::float8, 'NaN')").format(sql.Identifier(name)) for name in self._wide]
        packs = [sql.SQL(" + ").join(map(_shifted, pack, range(TOGETHER))) for pack in self._packs]
        hashes = [sql.SQL("coalesce(hashtextextended({}, 0), 0)").format(sql.Identifier(name)) for name in self.texts]
        return sql.SQL(", ").join([*doubles, *packs, *hashes])

    def numbers(self, doubles: NDArray[np.float64], integers: NDArray[np.int64]) -> NDArray[np.float64]:
        """Values (numbers, n) of n rows, NULL as NaN, out of their fields (doubles, n) and (integers, n)."""
        numbers = np.empty((len(self._numbers), doubles.shape[1]))
        row = {name: numbers[place] for place, name in enumerate(self._numbers)}
        for name, values in zip(self._wide, doubles, strict=True):
            row[name][:] = values
        half = 1 << (BITS - 1)
        for pack, packed in zip(self._packs, integers[: len(self._packs)], strict=True):
            rest = packed
            for name in pack:
                value = ((rest + half) & (2 * half - 1)) - half
                rest = (rest - value) >> BITS
                row[name][:] = value
                row[name][value == NULL] = np.nan
        return numbers

    def hashes(self, integers: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
        """Hashes (n,) of each text column, 0 for NULL."""
        return dict(zip(self.texts, integers[len(self._packs) :], strict=True))


def _shifted(name: str, place: int) -> sql.Composed:
    expression = sql.SQL("coalesce({}::bigint, {}) * {}")
    return expression.format(sql.Identifier(name), sql.Literal(NULL), sql.Literal(1 << BITS * place))
