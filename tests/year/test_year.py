"""A year of Sundays and months over a generated history, as a scheduler would run it: churn rises in the middle."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from tests.integration.churn_rows import forget_models
from tests.integration.conftest import Database
from tests.year.history import REQUEST, SHIFT, SUNDAYS, run_year
from tests.year.plot import year_plot

pytestmark = pytest.mark.timeout(3600)  # seconds: the whole year is run before the first test
CLOSES_AFTER = timedelta(weeks=9)  # the first Sunday on which the 60 days of another are over
REALIZED = """
select snapshot_dates[1], churners::float8 / rows_measured, value from ops.model_metrics
where kind = 'realized' and slice = 'all' and metric = 'calibration' order by 1
"""
LABELS = """
select snapshot_date, count(labeled_churn)::float8 / count(*) from features.churn_weekly_features
where days_since_activity < 60 group by 1
"""


@dataclass(frozen=True)
class Year:
    """What each Sunday came to, and the database in which it is on record."""

    weeks: list[dict[str, Any]]
    database: Database

    @property
    def trainings(self) -> list[tuple[date, dict[str, Any]]]:
        """Each training with its Sunday."""
        return [(week["sunday"], week[kind]) for week in self.weeks for kind in ("monthly", "asked") if kind in week]

    @property
    def calibration(self) -> dict[date, float]:
        """Mean score - share that churned, of each snapshot that was measured."""
        return {day: value for day, _, value in self.database.rows(REALIZED)}


@pytest.fixture(scope="module")
def year(
    new_database: Callable[[str], Database],
    empty_template: str,
    mlflow_uri: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Year:
    mlflow, database = forget_models(mlflow_uri), new_database(empty_template)
    database.extra_env["MLFLOW_TRACKING_URI"] = mlflow_uri
    weeks = run_year(database, mlflow, tmp_path_factory.mktemp("year"), REQUEST)
    if path := os.environ.get("YEAR_PLOT"):
        churned = {day: share for day, share, _ in database.rows(REALIZED)}
        year_plot(weeks, churned).savefig(path)
    return Year(weeks, database)


def alerts(week: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["check"], each["subject"]) for each in week["monitored"]["alerts"]]


def test_every_sunday_is_built_scored_and_monitored(year):
    for table in ("ops.current_feature_builds", "ops.churn_scoring", "ops.monitoring"):
        found = {day for (day,) in year.database.rows(f"select distinct snapshot_date from {table}")}
        assert found >= set(SUNDAYS), table
    assert len(year.weeks) == len(SUNDAYS) == 52


def test_no_training_knows_its_future(year):
    assert {sunday.month for sunday, _ in year.trainings} == set(range(1, 13))
    for sunday, training in year.trainings:
        assert training["labels_known_through"] < sunday
        assert training["training_snapshots"][-1] == sunday - CLOSES_AFTER
        assert not training["is_retrospective"]


def test_labels_are_unknown_at_first_and_mature(year):
    """When a snapshot is built, nobody can know its labels; nine weeks later they are complete, and measured."""
    for week in year.weeks:
        assert set(week["built"]["labelled"]) == {"inactive_60d", "unknown"}
        closes = week["sunday"] - CLOSES_AFTER
        assert week["monitored"]["measured"] == [day for day in SUNDAYS if day == closes]
    labelled = dict(year.database.rows(LABELS))
    assert {labelled[day] for day in SUNDAYS if day + CLOSES_AFTER <= SUNDAYS[-1]} == {1.0}
    assert all(labelled[day] < 1 for day in SUNDAYS if day + CLOSES_AFTER > SUNDAYS[-1])
    assert sorted(set(year.calibration)) == SUNDAYS[:-9]


def test_each_sunday_is_scored_by_the_one_version_in_production(year):
    for week in year.weeks:
        if "monthly" in week:
            in_production = week["monthly"]["promoted"]["production_version"]
        assert week["scored"]["model_version"] == in_production
        if "asked" in week:
            in_production = week["asked"]["promoted"]["production_version"]
        assert week["production"] == (in_production, [in_production])


def test_every_decision_is_on_record(year):
    told = [training["promoted"] for _, training in year.trainings]
    decided = [(one["challenger_version"], one["action"], one["reason"]) for one in told if one["action"] != "none"]
    recorded = year.database.rows(
        "select challenger_version, action, reason from ops.model_promotions order by promotion_id"
    )
    assert recorded == list(dict.fromkeys(decided))  # the same challenger on the same rows gives no second row
    assert all(reason for _, _, reason in recorded)


def test_before_the_shift_scores_are_right_and_nobody_is_told(year):
    assert [week["sunday"] for week in year.weeks if week["monitored"]["alerts"] and week["sunday"] <= SHIFT] == []
    untouched = [value for day, value in year.calibration.items() if day + timedelta(days=60) <= SHIFT]
    assert len(untouched) == 13
    assert abs(np.mean(untouched)) < 0.02


def test_no_run_is_missed_and_every_alert_is_about_the_model(year):
    missed = [each for week in year.weeks for each in week["monitored"]["warnings"] if "run that" in each["check"]]
    assert missed == []
    about_the_model = {"calibration", "drift", "roc_auc", "age in days"}
    assert {check for week in year.weeks for check, _ in alerts(week)} <= about_the_model


def test_the_shift_is_found_as_soon_as_labels_allow(year):
    """Churn rises for 60 days, while those who left still count as active, and is known 60 days after a Sunday."""
    told = [week["sunday"] for week in year.weeks if ("calibration", "newest closed snapshot") in alerts(week)]
    asked = [week["sunday"] for week in year.weeks if "asked" in week]
    known = SHIFT + timedelta(days=60)  # the snapshot of the shift itself is closed
    assert SHIFT < told[0] <= known + timedelta(weeks=6)
    assert told[0] < asked[0] <= known + timedelta(weeks=7)


def test_versions_of_what_happened_since_are_promoted_and_promise_what_happens(year):
    asked = [week for week in year.weeks if "asked" in week]
    before = np.mean([value for day, value in year.calibration.items() if SHIFT < day < asked[0]["sunday"]])
    newest = np.mean(list(year.calibration.values())[-3:])
    assert before < -0.03
    assert abs(newest) < 0.02
    assert "promote" in {week["asked"]["promoted"]["action"] for week in asked}
    trained_on = {training["model_version"]: training["training_snapshots"] for _, training in year.trainings}
    assert trained_on[year.weeks[-1]["scored"]["model_version"]][0] > SHIFT
