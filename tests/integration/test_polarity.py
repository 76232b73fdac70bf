"""The churn flag's polarity: confirmed, contradicted or undecided by what customers did before the cutoff."""

import pytest

from tests.integration.churn_snapshots import build, error, run_sql

T = "2019-05-26"
FLIP = "update raw.evaluate set churn = 1 - churn"


def snapshots(database) -> int:
    return database.rows("select count(*) from features.churn_weekly_features")[0][0]


def test_the_right_polarity_is_confirmed(seeded):
    verdict = build(seeded, T)["polarity"]
    assert verdict["verdict"] == "confirmed"
    assert verdict["low"] <= verdict["rank_correlation"] <= verdict["high"] < 0


def test_the_rank_correlation_is_spearmans(seeded):
    from scipy.stats import spearmanr

    pairs = seeded.rows(
        "select churn, (select count(*) from raw.payments where payments.cus_cust_id_buy = evaluate.cus_cust_id_buy"
        " and fecha between '2019-06-01' and '2019-06-30') from raw.evaluate"
    )
    expected = spearmanr([flag for flag, _ in pairs], [payments for _, payments in pairs]).statistic
    assert build(seeded, T)["polarity"]["rank_correlation"] == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(
    ("flip", "stated", "shown"), [(False, "came_back", "stayed_away"), (True, "stayed_away", "came_back")]
)
def test_the_wrong_polarity_stops_the_build_and_names_the_variable_and_both_values(seeded, flip, stated, shown):
    if flip:
        run_sql(seeded, FLIP)
    message = error(seeded, T, EVALUATE_CHURN_MEANS=stated)
    assert f"EVALUATE_CHURN_MEANS={stated} contradicts the data" in message
    assert f"set EVALUATE_CHURN_MEANS={shown}" in message
    assert snapshots(seeded) == 0


def test_the_flipped_flag_with_the_setting_for_it_is_confirmed(seeded):
    run_sql(seeded, FLIP)
    assert build(seeded, T, EVALUATE_CHURN_MEANS="came_back")["polarity"]["verdict"] == "confirmed"


@pytest.mark.parametrize(
    "change",
    [
        "delete from raw.evaluate where cus_cust_id_buy not in"
        " (select cus_cust_id_buy from raw.evaluate order by cus_cust_id_buy limit 40)",
        "update raw.evaluate set churn = 1",
        "delete from raw.evaluate",
        "delete from raw.payments where fecha >= '2019-06-01'",
        "update raw.evaluate set churn = abs(hashint8(cus_cust_id_buy)) % 2",
    ],
    ids=["few customers", "one value", "no flags", "no late payments", "no relation"],
)
def test_too_few_data_are_undecided_and_build_all_the_same(seeded, change):
    run_sql(seeded, change)
    result = build(seeded, T, EVALUATE_CHURN_MEANS="came_back")
    assert result["polarity"]["verdict"] == "undecided"
    assert result["polarity"]["reason"]
    assert result["rows"] == snapshots(seeded) > 0


def test_another_value_of_the_setting_is_refused(seeded):
    assert "EVALUATE_CHURN_MEANS='left'" in error(seeded, T, EVALUATE_CHURN_MEANS="left")
