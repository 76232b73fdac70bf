"""Plant rows in the raw crypto history and read what became of them."""

import json
import re
import shutil
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from tests.integration.conftest import Database

ROOT = Path(__file__).resolve().parents[2]
PURCHASE = {
    "site_id": "ARGENTINA", "user_id": 1, "purchase_date": "20/5/2019", "crypto_type": "BTC",
    "purchase_price": 8000, "purchase_units": 2,
}  # fmt: skip
INSERT = """
    insert into raw.bt_crypto_transaction_history
        (site_id, user_id, purchase_date, crypto_type, purchase_price, purchase_units, loaded_at)
    values (%(site_id)s, %(user_id)s, %(purchase_date)s, %(crypto_type)s, %(purchase_price)s::text::numeric,
        %(purchase_units)s::text::numeric, coalesce(%(loaded_at)s::timestamptz, now()))
    returning raw_id
"""
EVENTS = """
    select
        site_id, user_id, purchase_date, crypto_type, purchase_units, purchase_price, purchase_value, is_active, raw_id
    from ops.bt_crypto_events
    order by purchase_date, site_id, user_id, crypto_type, purchase_units
"""


def plant(database: "Database", *rows: dict[str, Any], loaded_at: str | None = None) -> list[int]:
    """Insert raw rows, each `PURCHASE` with the given changes, in one transaction; returns their raw_ids."""
    with database.connect() as conn, conn.transaction():
        return [
            conn.execute(INSERT, {**PURCHASE, "loaded_at": loaded_at, **row}).fetchall()[0][0] for row in rows
        ]  # fmt: skip


def forget(database: "Database", *raw_ids: int) -> None:
    """Delete raw rows."""
    with database.connect() as conn:
        conn.execute("delete from raw.bt_crypto_transaction_history where raw_id = any(%s)", (list(raw_ids),))


def etl(database: "Database", snapshot_date: str, *flags: str, step: str = "run", **env: str) -> dict[str, Any]:
    """Run a step (all by default) and return its JSON line; an assertion shows the error of one that fails."""
    done = database.run("ml.crypto_events", step, "--snapshot-date", snapshot_date, *flags, **env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def etl_error(database: "Database", *arguments: str, code: int = 1, **env: str) -> str:
    """Run a step that must end with `code`; returns what it said."""
    done = database.run("ml.crypto_events", *arguments, **env)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


def events(database: "Database") -> list[tuple]:
    """Every event, without its timestamps."""
    return database.rows(EVENTS)


def events_as_stored(database: "Database") -> list[tuple]:
    """Every event to the bit, where it lies in the table and who wrote it."""
    return database.rows("select ctid::text, xmin::text, event::text from ops.bt_crypto_events as event order by ctid")


def rejects(database: "Database") -> dict[int, str]:
    """Reason by raw_id of the open rejects."""
    return dict(database.rows("select raw_id, reason from ops.crypto_rejects where status = 'open'"))


def raw_rows(database: "Database") -> pd.DataFrame:
    """The raw history, in order of arrival; numbers as Decimal, the load time as its UTC date."""
    columns = [*PURCHASE, "raw_id", "loaded_on"]
    query = (
        "select site_id, user_id, purchase_date, crypto_type, purchase_price, purchase_units, raw_id,"
        " (loaded_at at time zone 'UTC')::date from raw.bt_crypto_transaction_history order by raw_id"
    )
    return pd.DataFrame(database.rows(query), columns=columns, dtype=object)


def contract_folder(folder: Path, old: str, new: str) -> str:
    """A copy of the crypto contract in `folder`, edited; once more edits the copy."""
    contract = folder / "bt_crypto_events.yml"
    if not contract.exists():
        shutil.copy(ROOT / "airflow/include/expectations" / contract.name, contract)
    text = contract.read_text()
    assert text.count(old) == 1
    contract.write_text(text.replace(old, new))
    return str(folder)


@dataclass
class Oracle:
    """What the events must be, worked out row by row in Python from the rules in words; knows nothing of the SQL."""

    sites: tuple[str, ...] = ("ARGENTINA", "BRASIL", "MEXICO")
    coins: tuple[str, ...] = ("BTC", "ETH", "USDC", "LTC")
    events: dict[tuple, dict[str, Any]] = field(default_factory=dict)
    rejected: set[int] = field(default_factory=set)
    last_run: date | None = None
    seen: int = 0

    def run(self, raw: pd.DataFrame, day: date, *, full: bool = False) -> dict[str, int]:
        """Bring `events` up to the raw rows for a run of `day`; returns the counts that the run must report."""
        raw = raw.assign(day=[self._day(row.purchase_date, row.loaded_on) for row in raw.itertuples()])
        first = day - timedelta(days=5)
        if self.last_run is not None and self.last_run < day - timedelta(days=1):
            first = self.last_run - timedelta(days=4)
        if full or not self.events:
            first = date.min
        arrived = raw[raw.raw_id > self.seen]
        dated = raw[raw.day.notna()]
        inside = dated[[first <= value <= day for value in dated.day]]
        unreadable = raw[raw.day.isna() & ~raw.raw_id.isin(self.rejected)]
        bad = [row.raw_id for row in inside.itertuples() if not self._acceptable(row)]
        purchases = self._purchases(inside[~inside.raw_id.isin(bad)])
        counts = {
            "rows_late": sum(value is not None and value < first for value in arrived.day),
            "rows_not_due": sum(value is not None and value > day for value in arrived.day),
            "rows_rejected": len(bad) + len(unreadable),
            "rows_loaded": len(purchases),
            "rows_in": 0,
            "rows_inserted": 0,
            "rows_updated": 0,
            "rows_unchanged": 0,
            "rows_deactivated": 0,
        }
        counts["rows_in"] = len(inside) + len(unreadable) + counts["rows_late"] + counts["rows_not_due"]
        for key, purchase in purchases.items():
            known = self.events.get(key)
            counts["rows_inserted" if known is None else "rows_unchanged" if known == purchase else "rows_updated"] += 1
            self.events[key] = purchase
        for key, event in self.events.items():
            if first <= key[2] <= day and key not in purchases and event["is_active"]:
                event["is_active"] = False
                counts["rows_deactivated"] += 1
        self.rejected |= {*bad, *unreadable.raw_id}
        self.last_run = day
        self.seen = max(self.seen, *raw.raw_id, 0)
        return counts

    def rows(self) -> list[tuple]:
        """The events in the form of `events()`."""
        found = [
            (*key, event["price"], event["price"] * key[4], event["is_active"], event["raw_id"])
            for key, event in self.events.items()
        ]
        return sorted(found, key=lambda row: (row[2], row[0], row[1], row[3], row[4]))

    def _acceptable(self, row: Any) -> bool:
        known = self._code(row.site_id) in self.sites and self._code(row.crypto_type) in self.coins
        numbers = row.user_id is not None and row.purchase_units is not None and row.purchase_price is not None
        return known and numbers and row.purchase_units > 0 and row.purchase_price >= 0

    def _purchases(self, rows: pd.DataFrame) -> dict[tuple, dict[str, Any]]:
        found: dict[tuple, dict[str, Any]] = {}
        for row in rows.sort_values("raw_id").itertuples():
            key = (self._code(row.site_id), row.user_id, row.day, self._code(row.crypto_type), row.purchase_units)
            if key not in found or found[key]["price"] != row.purchase_price:
                found[key] = {"price": row.purchase_price, "is_active": True, "raw_id": row.raw_id}
        return found

    @staticmethod
    def _code(text: str | None) -> str:
        return (text or "").strip().upper()

    @staticmethod
    def _day(text: str | None, loaded_on: date) -> date | None:
        if not re.fullmatch(r"\d\d?/\d\d?/\d{4}", (text or "").strip()):
            return None
        day, month, year = (int(part) for part in (text or "").split("/"))
        try:
            stated = date(year, month, day)
        except ValueError:
            return None
        return stated if stated <= loaded_on else None
