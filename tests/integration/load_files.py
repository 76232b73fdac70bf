"""A small set of CSV files that a test spoils line by line, and the loader run on it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from ml.loading import files
from ml.loading.days import StatedDates
from ml.loading.load_file import load_file
from tests.integration.conftest import INIT_ENV, ROOT, Database

CUSTOMERS = 300
INIT_DIR = ROOT / "docker" / "postgres" / "init"
FIRST_DAY = date(2019, 1, 1)
STATED = "select extraction_month, payments_known_through, evaluate_cutoff from ops.stated_dates"
CAPTURED: dict[str, Any] = {"cwd": ROOT, "capture_output": True, "text": True, "timeout": 300}


def payment(n: int) -> str:
    """Line n of PAYMENTS.csv: two customers a day, January to May."""
    return f"{FIRST_DAY + timedelta(days=n // 2)},{9000 + n % 7},{1 + n},{n}.25,Instore,0.5"


FILES: dict[str, tuple[str, str, Callable[[int], str]]] = {
    "raw.payments": (
        "PAYMENTS.csv",
        "FECHA,CUS_CUST_ID_SEL,CUS_CUST_ID_BUY,SPENT,TPV_SEGMENT_DETAIL,DESCUENTO",
        payment,
    ),
    "raw.active_user": (
        "ACTIVE_USER.csv",
        "CUS_CUST_ID_BUY,MAU_MP_3,MAU_ML_3,MAU_MP_2,MAU_ML_2,MAU_MP_1,MAU_ML_1,last_login_mp_date_1,last_login_ml_date_1",
        lambda n: f"{1 + n},,{n % 32}.0,2.0,3.0,4.0,5.0,2019-05-{1 + n % 31:02},",
    ),
    "raw.demograficos": (
        "DEMOGRAFICOS.csv",
        "CITY,CUS_CUST_ID_BUY,GENDER,RANGO_EDAD,TARJETAS,ESTADO",
        lambda n: f"Morón {n},{1 + n},male,02.Entre 18 y 25 años,Ticket,buenos aires",
    ),
    "raw.dinero_cuenta": (
        "DINERO_CUENTA.csv",
        "CUS_CUST_ID_BUY,PLATA_CUENTA_1,PLATA_CUENTA_2,INVERSION",
        lambda n: f"{1 + n}.0,{n}.5,,eligible",
    ),
    "raw.evaluate": ("EVALUATE.csv", "CUS_CUST_ID_BUY,churn", lambda n: f"{1 + n},{n % 2}.0"),
    "raw.marketplace_data": (
        "MARKETPLACE_DATA.csv",
        "CUS_CUST_ID_BUY,SPENT_ML,RECENCY_ML,FREQUENCY_ML",
        lambda n: f"{1 + n},{n}.75,2019-03-{1 + n % 31:02},{1 + n}",
    ),
    "raw.bt_crypto_transaction_history": (
        "sample_data/crypto_transaction_history.csv",
        "site_id,user_id,purchase_date,crypto_type,purchase_price,purchase_units",
        lambda n: f"ARGENTINA,{1 + n},{1 + n % 31}/1/2019,BTC,{n}.5,0.25",
    ),
}


class Folder:
    """A CSV_DIR with the six CSV files and the crypto history, clean until a test writes something else."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "sample_data").mkdir(parents=True)
        for table in FILES:
            self.write(table, self.lines(table))

    def file(self, table: str) -> Path:
        """The table's file."""
        return self.path / FILES[table][0]

    def lines(self, table: str, rows: int = CUSTOMERS) -> list[str]:
        """Header and clean lines."""
        _, header, line = FILES[table]
        return [header, *(line(n) for n in range(rows))]

    def write(self, table: str, lines: Iterable[str], encoding: str = "utf-8", end: str = "\n") -> None:
        """Write the table's file, every line ended with `end`."""
        self.file(table).write_bytes("".join(line + end for line in lines).encode(encoding))

    def spoil(self, table: str, line_number: int, *texts: str) -> None:
        """Put other lines in the place of one; the header is line 1."""
        lines = self.lines(table)
        lines[line_number - 1 : line_number] = texts
        self.write(table, lines)

    def load(self, database: Database, table: str, *, reload: bool = False, force: bool = False) -> dict[str, object]:
        """Load one file; its row of ops.raw_loads."""
        [raw] = [raw for raw in files.FILES if raw.table == table]
        with database.connect() as conn:
            found = conn.execute(STATED).fetchone()
            assert found
            load_id, _ = load_file(conn, raw, self.path, StatedDates(*found), reload=reload, force=force)
            cursor = conn.execute("select * from ops.raw_loads where load_id = %s", (load_id,))
            return dict(zip([column.name for column in cursor.description or []], cursor.fetchall()[0], strict=True))

    def run(self, database: Database, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run python -m ml.load as the administrator."""
        return subprocess.run(
            [sys.executable, "-m", "ml.load", *arguments], env={**self.env(database), **env}, **CAPTURED
        )

    def seed(self, database: Database, **env: str) -> subprocess.CompletedProcess[str]:
        """Run 90_load_raw.sql with psql, as every start does."""
        psql = str(database.cluster.bin_dir / "psql")
        command = [psql, "-X", "-q", "-d", database.name, "-f", str(INIT_DIR / "90_load_raw.sql")]
        return subprocess.run(command, env={**self.env(database), **env}, **CAPTURED)

    def env(self, database: Database) -> dict[str, str]:
        """Variables with which libpq connects as the administrator, and those of a load."""
        return {
            **os.environ,
            **database.cluster.client_env,
            **INIT_ENV,
            "PGDATABASE": database.name,
            "CSV_DIR": str(self.path),
        }


def rejects(database: Database) -> list[tuple[int, str, str]]:
    """Line number, text and reason of every reject of the newest load that has any."""
    return database.rows(
        "select line_number, line_text, reason from ops.raw_rejects"
        " where load_id = (select max(load_id) from ops.raw_rejects) order by line_number"
    )


def content(database: Database, table: str) -> list[tuple]:
    """Every row of a raw table as the file's columns, in one order."""
    columns = ", ".join(FILES[table][1].lower().split(","))
    return database.rows(f"select {columns} from {table} order by {columns}")
