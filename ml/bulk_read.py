"""Feature rows out of PostgreSQL as NumPy arrays, block by block.

Rows of one length are read without a loop over them, and the text of a hash is looked up once. Two connections that see
one state of the database read the snapshot's pages by turns.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import asyncpg
import numpy as np
import pandas as pd
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from ml.binary_copy import Records
from ml.cli import TryLater
from ml.column_coding import ColumnCoding
from ml.settings import settings
from ml.utils_io import sql as sql_text

BLOCK_ROWS = 32_768
BLOCKS_AHEAD = 2
CONNECTIONS = 2
PARTS = 8  # ranges of pages; more than connections, since a snapshot built anew leaves pages without rows
MIN_PAGES = 256  # of a part: a second connection for less costs more than it brings
LAST_PAGE = 2**32 - 1
AWAY = (  # the server cannot be reached, refuses, or went away
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InterfaceError,
)


@dataclass
class Coded:
    """A text column as codes into `values`; -1 is NULL. Codes stay the same from block to block."""

    values: list[str] = field(default_factory=list)
    positions: dict[str, int] = field(default_factory=dict)

    def code(self, value: str | None) -> int:
        """Code of one value, which is added if it was not met before."""
        if value is None:
            return -1
        if value not in self.positions:
            self.positions[value] = len(self.values)
            self.values.append(value)
        return self.positions[value]

    def decode(self, codes: NDArray[np.int32]) -> NDArray[np.object_]:
        """Values of `codes`, NULL as None."""
        return np.array([*self.values, None], dtype=object)[codes]


@dataclass(frozen=True)
class Block:
    """n rows: `numbers` is float64 (numbers, n) with NaN for NULL, `codes` int32 (n,) for each text column."""

    customer_id: NDArray[np.int64]
    numbers: NDArray[np.float64]
    codes: dict[str, NDArray[np.int32]]

    def __len__(self) -> int:
        return len(self.customer_id)


@dataclass(frozen=True)
class Query:
    """Rows of a snapshot: `airflow/include/sql/<name>.sql` with the columns, the pages and `values` filled in."""

    name: str
    snapshot_date: date
    numbers: Sequence[str]
    texts: Sequence[str]
    values: dict[str, Any]

    def statement(self, conn: psycopg.Connection, coding: ColumnCoding, first_page: int, end_page: int) -> str:
        """The query for a range of pages. COPY takes no bound parameters; psycopg quotes the values instead."""
        composed = sql.SQL(sql_text(self.name)).format(
            columns=coding.select_list(),
            snapshot_date=sql.Literal(self.snapshot_date),
            first_page=sql.Literal(f"({first_page},0)"),
            end_page=sql.Literal(f"({end_page},0)"),
            **{name: sql.Literal(value) for name, value in self.values.items()},
        )
        return composed.as_string(conn)


def read_blocks(conn: psycopg.Connection, query: Query, categories: dict[str, Coded]) -> Iterator[Block]:
    """The rows of `query` in blocks of about `BLOCK_ROWS`, in no certain order; new texts are added to `categories`.

    The connections are its own; `conn` only quotes. Reading goes on while the next block is waited for.

    Raises:
        TryLater: the server cannot be reached, or went away.
    """
    blocks = _blocks(conn, query, categories)

    async def following() -> Block | None:  # inside the loop, which then knows that it has to close `blocks`
        return await anext(blocks, None)

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        try:
            while (block := loop.run_until_complete(following())) is not None:
                yield block
        except AWAY as error:
            raise TryLater(f"PostgreSQL: {error}") from error


@dataclass(frozen=True)
class _Hashed:
    """A block whose texts are still hashes."""

    customer_id: NDArray[np.int64]
    numbers: NDArray[np.float64]
    hashes: dict[str, NDArray[np.int64]]


async def _blocks(quoting: psycopg.Connection, query: Query, categories: dict[str, Coded]) -> AsyncGenerator[Block]:
    ready: asyncio.Queue[_Hashed | Exception | None] = asyncio.Queue(BLOCKS_AHEAD)

    async def work(snapshot: str) -> None:
        try:
            async with _reading(snapshot) as conn:
                for first_page, end_page in parts:  # whoever is free takes the next
                    await _copy(conn, query.statement(quoting, coding, first_page, end_page), coding, ready)
            await ready.put(None)
        except Exception as error:
            await ready.put(error)

    async with AsyncExitStack() as stack:
        conn = await stack.enter_async_context(_reading())
        storage = await conn.fetchrow(sql_text("snapshot_storage"), query.snapshot_date)
        if storage is None:
            return
        pages, smallints = storage
        coding = ColumnCoding(query.numbers, query.texts, smallints)
        starts = [pages * part // PARTS for part in range(PARTS)] if pages >= PARTS * MIN_PAGES else [0]
        parts = iter([*zip(starts, [*starts[1:], LAST_PAGE], strict=True)])
        snapshot = await conn.fetchval("select pg_export_snapshot()")
        working = min(CONNECTIONS, len(starts))
        tasks = [asyncio.create_task(work(snapshot)) for _ in range(working)]
        stack.push_async_callback(_end, tasks)
        texts = _Texts(conn, query, categories, quoting)
        while working:
            item = await ready.get()
            if isinstance(item, Exception):
                raise item
            if item is None:
                working -= 1
            else:
                yield Block(item.customer_id, item.numbers, await texts.codes(item))


@asynccontextmanager
async def _reading(snapshot: str | None = None) -> AsyncIterator[asyncpg.Connection]:
    """A connection in a transaction that only reads, and that sees what the one that exported `snapshot` sees."""
    env = settings()
    conn = await asyncpg.connect(
        host=env.postgres_host,
        port=env.postgres_port,
        database=env.postgres_db,
        user=env.postgres_user,
        password=env.postgres_password.get_secret_value() or None,
        timeout=10,
        server_settings={"application_name": "ml.bulk_read", "jit": "off"},
    )
    try:
        await conn.execute("begin isolation level repeatable read read only")
        if snapshot is not None:
            await conn.execute(f"set transaction snapshot '{snapshot}'")
        yield conn
        await conn.close(timeout=10)
    finally:
        conn.terminate()


async def _copy(conn: asyncpg.Connection, statement: str, coding: ColumnCoding, ready: "asyncio.Queue[Any]") -> None:
    """Put the rows of `statement` into `ready`, `BLOCK_ROWS` at a time."""
    records = Records(coding.doubles, coding.integers)
    customer_id = np.empty(BLOCK_ROWS, np.int64)
    doubles = np.empty((coding.doubles, BLOCK_ROWS))
    integers = np.empty((coding.integers, BLOCK_ROWS), np.int64)
    filled = 0

    async def hand_over() -> None:
        numbers = coding.numbers(doubles[:, :filled], integers[:, :filled])
        await ready.put(_Hashed(customer_id[:filled].copy(), numbers, coding.hashes(integers[:, :filled].copy())))

    async def take(data: bytes) -> None:
        nonlocal filled
        found = records.feed(data)
        while len(found):
            some = found[: BLOCK_ROWS - filled]
            rows = slice(filled, filled + len(some))
            customer_id[rows] = some["customer_id"]
            doubles[:, rows] = some["doubles"]["value"].T
            integers[:, rows] = some["integers"]["value"].T
            filled += len(some)
            found = found[len(some) :]
            if filled == BLOCK_ROWS:
                await hand_over()
                filled = 0

    await conn.copy_from_query(statement, output=take, format="binary")
    records.end()
    if filled:
        await hand_over()


class _Texts:
    """Codes of hashed texts. What a hash stands for is read from a customer that has it, in the same transaction."""

    def __init__(
        self, conn: asyncpg.Connection, query: Query, categories: dict[str, Coded], quoting: psycopg.Connection
    ) -> None:
        self.conn = conn
        self.snapshot_date = query.snapshot_date
        self.categories = categories
        self.known: dict[str, dict[int, int]] = {name: {} for name in query.texts}
        columns = sql.SQL(", ").join(map(sql.Identifier, ("customer_id", *query.texts)))
        self.statement = sql.SQL(sql_text("select_texts")).format(columns=columns).as_string(quoting)

    async def codes(self, block: _Hashed) -> dict[str, NDArray[np.int32]]:
        """Codes of each text column of the block."""
        distinct = {name: pd.factorize(hashes) for name, hashes in block.hashes.items()}
        examples = {
            (name, int(value)): int(block.customer_id[(places == place).argmax()])
            for name, (places, values) in distinct.items()
            for place, value in enumerate(values)
            if int(value) not in self.known[name]
        }
        if examples:
            rows = await self.conn.fetch(self.statement, self.snapshot_date, sorted(set(examples.values())))
            by_customer = {row["customer_id"]: row for row in rows}
            for (name, value), customer in examples.items():
                self.known[name][value] = self.categories[name].code(by_customer[customer][name])
        return {
            name: np.array([self.known[name][int(value)] for value in values], dtype=np.int32)[places]
            for name, (places, values) in distinct.items()
        }


async def _end(tasks: list["asyncio.Task[None]"]) -> None:
    """Cancel the tasks that still run, and wait for them."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
