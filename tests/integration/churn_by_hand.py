"""Features and labels worked out customer by customer from the raw tables, without any SQL of the product.

Written against: a snapshot t uses what was known before t; `xx_30d` is [t-30, t); month -k is counted back from t; the
last logins and the marketplace totals count from the first day after the extraction month; NULL is not known, zero is
known to be none.
"""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pandas as pd

TABLES = ("payments", "active_user", "demograficos", "dinero_cuenta", "evaluate", "marketplace_data")
NAMED_SEGMENTS = {"Cellphone Recharge", "Transport", "Instore", "Utilities", "Money Transfer"}
Raw = dict[str, pd.DataFrame]


def raw_tables(database) -> Raw:
    """The six raw tables as they stand; values as psycopg gives them (Decimal, date, None)."""
    tables = {}
    with database.connect() as conn:
        for name in TABLES:
            cursor = conn.execute(f"select * from raw.{name}")
            columns = [column.name for column in cursor.description]
            tables[name] = pd.DataFrame(cursor.fetchall(), columns=columns, dtype=object)
    return tables


def _by_customer(table: pd.DataFrame) -> dict[int, dict[str, Any]]:
    return {row["cus_cust_id_buy"]: row for row in table.to_dict("records")}


def _histories(payments: pd.DataFrame) -> dict[int, list[dict[str, Any]]]:
    histories = defaultdict(list)
    for row in payments.to_dict("records"):
        histories[row["cus_cust_id_buy"]].append(row)
    return histories


def _total(rows: list[dict[str, Any]], column: str) -> float | None:
    """Sum of what is known; zero without rows; None where rows are there and nothing of them is known."""
    known = [row[column] for row in rows if row[column] is not None]
    if rows and not known:
        return None
    return float(sum(known, Decimal(0)))


def _file_month(snapshot_date: date, back: int, extraction_month: date) -> int:
    """Which of the file's months -1, -2, -3 the month `back` before the snapshot's is (0, 4, ... : not in the file)."""
    wanted = pd.Period(snapshot_date, "M") - back
    return (pd.Period(extraction_month, "M") - wanted).n + 1


def features(raw: Raw, t: date, extraction_month: date) -> dict[int, dict[str, Any]]:
    """Every feature of every customer of the cohort at `t`."""
    visits, people, accounts, purchases = (
        _by_customer(raw[name]) for name in ("active_user", "demograficos", "dinero_cuenta", "marketplace_data")
    )
    month_is_over = pd.Period(t, "M") > pd.Period(extraction_month, "M")
    after_month = (pd.Period(extraction_month, "M") + 1).start_time.date()
    found = {}
    for customer, history in _histories(raw["payments"]).items():
        before = [row for row in history if row["fecha"] < t]
        if not before:
            continue
        last = {days: [row for row in before if t - timedelta(days=days) <= row["fecha"]] for days in (7, 30, 90)}
        dates = sorted(row["fecha"] for row in last[90])
        row: dict[str, Any] = {
            "days_since_activity": (t - max(row["fecha"] for row in before)).days,
            "tenure_days": min((t - min(row["fecha"] for row in before)).days, 90),
            "total_discount_30d": _total(last[30], "descuento"),
            "active_days_30d": len({row["fecha"] for row in last[30]}),
            "active_weeks_90d": len({((t - day).days + 6) // 7 for day in dates}),
            "segments_90d": len(
                {s if s in NAMED_SEGMENTS else "other" for s in (row["tpv_segment_detail"] for row in last[90])}
            ),
        }
        for days, rows in last.items():
            row[f"payments_{days}d"] = len(rows)
            row[f"spent_{days}d"] = _total(rows, "spent")
        spent, recent = row["spent_90d"], row["spent_30d"]
        row["spent_per_payment_90d"] = spent / len(dates) if dates and spent is not None else None
        row["spent_trend_90d"] = 3 * recent / spent if spent and recent is not None else None
        row["payments_trend_90d"] = 3 * len(last[30]) / len(dates) if dates else None
        gaps = [(later - earlier).days for earlier, later in pairwise(dates)]
        row["mean_gap_90d"] = sum(gaps) / len(gaps) if gaps else None
        row["recency_to_gap_90d"] = row["days_since_activity"] / max(row["mean_gap_90d"], 1.0) if gaps else None
        visit = visits.get(customer, {})
        for app in ("mp", "ml"):
            for back in (1, 2, 3):
                row[f"mau_{app}_{back}"] = visit.get(f"mau_{app}_{_file_month(t, back, extraction_month)}")
            login = visit.get(f"last_login_{app}_date_1") if month_is_over else None
            row[f"days_since_login_{app}"] = (after_month - login).days if login else None
        account = accounts.get(customer, {})
        for back in (1, 2):
            balance = account.get(f"plata_cuenta_{_file_month(t, back, extraction_month)}")
            row[f"plata_cuenta_{back}"] = None if balance is None else float(balance)
        inversion = account.get("inversion")
        row["has_inversion"] = None if inversion is None else int(inversion == "investing")
        for column in ("gender", "rango_edad", "tarjetas", "estado"):
            row[column] = people.get(customer, {}).get(column)
        purchase = purchases.get(customer, {}) if month_is_over else {}
        bought = purchase.get("recency_ml")
        if bought is not None and bought >= t:
            purchase, bought = {}, None
        total = purchase.get("spent_ml")
        row["spent_ml"] = None if total is None else float(total)
        row["frequency_ml"] = purchase.get("frequency_ml")
        row["days_since_purchase_ml"] = (after_month - bought).days if bought else None
        found[customer] = row
    return found


def labels(
    raw: Raw, t: date, c: date, flag_means: str, known_through: date | None = None
) -> dict[int, tuple[int | None, str | None, int | None]]:
    """(labeled_churn, label_source, label_horizon_days) of every customer of the cohort at `t`.

    Payments are known through `known_through`, by default the day before `c`.
    """
    flags = {customer: row["churn"] for customer, row in _by_customer(raw["evaluate"]).items()}
    sixty_days = timedelta(days=60)
    unknown_from = (known_through or c - timedelta(days=1)) + timedelta(days=1)
    found = {}
    for customer, history in _histories(raw["payments"]).items():
        days = [row["fecha"] for row in history]
        before = [day for day in days if day < t]
        if not before:
            continue
        paid_within_sixty_days = any(t <= day < t + sixty_days and day < unknown_from for day in days)
        paid_up_to_cutoff = any(t <= day < c for day in days)
        flag = flags.get(customer)
        label: tuple[int | None, str | None, int | None] = (None, None, None)
        if t - max(before) >= sixty_days:
            label = (1, "inactive_60d", None)
        elif paid_within_sixty_days:
            label = (0, "observed", 60)
        elif t + sixty_days <= unknown_from:
            label = (1, "observed", 60)
        elif c - sixty_days < t <= c <= unknown_from and not paid_up_to_cutoff and flag is not None:
            stays_away = flag == 1 if flag_means == "stayed_away" else flag == 0
            two_months_on = (pd.Timestamp(c) + pd.DateOffset(months=2)).date()
            label = (int(stays_away), "evaluate", (two_months_on - t).days)
        found[customer] = label
    return found
