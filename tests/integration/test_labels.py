"""Labels: the three sources, their borders, and what matures when more data are loaded."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.integration import churn_by_hand
from tests.integration.churn_snapshots import build, features, labels, run_sql

ROOT = Path(__file__).resolve().parents[2]
LOAD = ROOT / "docker" / "postgres" / "init" / "90_load_raw.sql"
CUTOFF = date(2019, 7, 1)  # of the sample: the day after its last payment
SOMEONE = 900000000


def day(text: str, days: int = 0) -> date:
    return date.fromisoformat(text) + timedelta(days=days)


def pay(database, customer: int, *days: date) -> None:
    """One payment of `customer` on each day."""
    run_sql(
        database,
        *(f"insert into raw.payments values ('{fecha}', 1, {customer}, 10, 'Transport', 0)" for fecha in days),
    )


@pytest.mark.parametrize(
    "t", ["2019-04-28", "2019-05-02", "2019-05-03", "2019-05-26", "2019-06-30", "2019-07-01"], ids=str
)
def test_labels_equal_an_independent_computation(seeded, t):
    run_sql(seeded, "delete from raw.evaluate where cus_cust_id_buy % 10 = 0")
    build(seeded, t)
    expected = churn_by_hand.labels(churn_by_hand.raw_tables(seeded), day(t), CUTOFF, "stayed_away")
    assert labels(seeded, t) == expected


def test_the_other_polarity_turns_the_flags_over_and_nothing_else(seeded):
    build(seeded, "2019-05-26")
    before = labels(seeded, "2019-05-26")
    run_sql(seeded, "update raw.evaluate set churn = 1 - churn")
    build(seeded, "2019-05-26", EVALUATE_CHURN_MEANS="came_back")
    assert labels(seeded, "2019-05-26") == before


# t: (days of the payments, counted from t; flag; label). The last payment before t is the day before it unless stated.
BORDERS = {
    "2019-04-28": [  # the 60 days [t, t+60) are over before the cutoff
        ([-1, 0], 1, (0, "observed", 60)),
        ([-1, 59], 1, (0, "observed", 60)),
        ([-1, 60], 0, (1, "observed", 60)),
        ([-1], 0, (1, "observed", 60)),
    ],
    "2019-05-02": [  # t+60 is the cutoff itself
        ([-1], 0, (1, "observed", 60)),
        ([-1, 59], 1, (0, "observed", 60)),
        ([-1, 60], 0, (1, "observed", 60)),
    ],
    "2019-05-03": [  # and one day later
        ([-1], 0, (0, "evaluate", 121)),
        ([-1, 58], 1, (0, "observed", 60)),
    ],
    "2019-05-26": [
        # already churned from 60 days without a payment on, whatever comes later
        ([-59], 1, (1, "evaluate", 98)),
        ([-60], 1, (1, "inactive_60d", None)),
        ([-60, 0], 0, (1, "inactive_60d", None)),
        # a payment on the cutoff is not one before it
        ([-1, 36], 1, (1, "evaluate", 98)),
        ([-1, 35], 1, (0, "observed", 60)),
        # the flag says nothing of those that it does not name
        ([-1], None, (None, None, None)),
        ([-1, 1], None, (0, "observed", 60)),
    ],
    "2019-07-01": [  # at the cutoff the flag alone decides
        ([-1], 0, (0, "evaluate", 62)),
        ([-1, 0], 1, (1, "evaluate", 62)),
    ],
}


@pytest.mark.parametrize("t", BORDERS)
def test_borders(seeded, t):
    for customer, (paid, flag, _) in enumerate(BORDERS[t], start=SOMEONE):
        pay(seeded, customer, *(day(t, days) for days in paid))
        if flag is not None:
            run_sql(seeded, f"insert into raw.evaluate values ({customer}, {flag})")
    build(seeded, t)
    found, by_hand = (
        labels(seeded, t),
        churn_by_hand.labels(churn_by_hand.raw_tables(seeded), day(t), CUTOFF, "stayed_away"),
    )
    for customer, (paid, flag, label) in enumerate(BORDERS[t], start=SOMEONE):
        assert found[customer] == label == by_hand[customer], (paid, flag)


@pytest.mark.parametrize("t", ["2019-06-29", "2019-06-30"])
def test_the_flag_says_nothing_of_a_snapshot_after_its_cutoff(seeded, t):
    run_sql(seeded, "update ops.stated_dates set evaluate_cutoff = '2019-06-29'")
    build(seeded, t)
    sources = {source for _, source, _ in labels(seeded, t).values()}
    expected = {"inactive_60d", "observed"}  # those who paid on the last days
    assert sources == expected | ({"evaluate"} if t == "2019-06-29" else {None})


def test_the_flag_is_not_used_where_payments_before_its_cutoff_are_unknown(seeded):
    run_sql(seeded, "update ops.stated_dates set payments_known_through = '2019-06-15'")
    build(seeded, "2019-06-09")
    assert {source for _, source, _ in labels(seeded, "2019-06-09").values()} == {"inactive_60d", "observed", None}


@pytest.fixture
def load_until(database, tmp_path):
    """Load the sample with payments up to a day, as a user does who drops new files over the old ones."""
    for file in ROOT.glob("*.csv"):
        shutil.copy(file, tmp_path)
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")
    header, *lines = (ROOT / "PAYMENTS.csv").read_text(encoding="utf-8").splitlines(keepends=True)

    def load(last_day: str, *more: str) -> str:
        kept = [line for line in (*lines, *more) if line[:10] <= last_day]
        (tmp_path / "PAYMENTS.csv").write_text("".join([header, *kept]), encoding="utf-8")
        return database.psql_file(LOAD, CSV_DIR=str(tmp_path))

    return load


def test_labels_mature_and_features_stay_when_june_is_appended(database, load_until):
    load_until("2019-05-26")
    cutoff = day("2019-05-27")
    snapshots = ["2019-04-01", "2019-04-28", "2019-05-26"]
    for t in snapshots:
        build(database, t)
    features_before = {t: features(database, t) for t in snapshots}
    labels_before = {t: labels(database, t) for t in snapshots}
    raw = churn_by_hand.raw_tables(database)
    for t in snapshots:
        assert labels_before[t] == churn_by_hand.labels(raw, day(t), cutoff, "stayed_away"), t

    load_until("2019-06-30")
    result = build(database, "2019-06-30")

    raw = churn_by_hand.raw_tables(database)
    for t in snapshots:
        now = labels(database, t)
        assert now == churn_by_hand.labels(raw, day(t), cutoff, "stayed_away", day("2019-06-30")), t
        assert features(database, t) == features_before[t], t
        changed = sum(now[customer] != before for customer, before in labels_before[t].items())
        assert result["matured"][t] == changed > 0
    assert build(database, "2019-06-30")["matured"] == {}


def test_payments_through_august_move_no_flag_label_and_observed_labels_see_them(database, load_until):
    load_until("2019-06-30")
    for t in ("2019-05-26", "2019-06-30"):
        build(database, t)
    before = {t: labels(database, t) for t in ("2019-05-26", "2019-06-30")}
    customers = sorted(before["2019-06-30"])[::3]
    later = [f"{CUTOFF + timedelta(days=n % 62)},1,{customer},10,Transport,0\n" for n, customer in enumerate(customers)]
    printed = load_until("2019-08-31", *later)
    assert "Payments known through 2019-08-31; EVALUATE.csv speaks of 2019-07-01 to 2019-08-31" in printed
    assert database.rows("select evaluate_cutoff::text from ops.current_data") == [("2019-07-01",)]
    build(database, "2019-07-07")
    raw = churn_by_hand.raw_tables(database)
    for t, earlier in before.items():
        now = labels(database, t)
        assert now == churn_by_hand.labels(raw, day(t), CUTOFF, "stayed_away", day("2019-08-31")), t
        assert {source for _, source, _ in now.values()} <= {"inactive_60d", "observed"}, t
        by_flag = [customer for customer, (_, source, _) in earlier.items() if source == "evaluate"]
        assert any(now[customer][0] == 0 for customer in by_flag if earlier[customer][0] == 1), t


def test_a_snapshot_whose_60_days_were_over_is_not_looked_at_again(seeded):
    for t in ("2019-04-28", "2019-05-26"):
        build(seeded, t)
    run_sql(seeded, "update ops.stated_dates set payments_known_through = '2019-06-29'")  # other data
    assert set(build(seeded, "2019-06-09")["matured"]) == {"2019-05-26"}


def test_another_rule_looks_at_every_snapshot_again(seeded):
    build(seeded, "2019-04-28")
    run_sql(seeded, "update raw.evaluate set churn = 1 - churn")
    result = build(seeded, "2019-05-26", EVALUATE_CHURN_MEANS="came_back")
    assert result["matured"] == {"2019-04-28": 0}
