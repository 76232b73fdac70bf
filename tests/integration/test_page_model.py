"""The page Model: figures on record in both languages, a promotion that it follows, two versions, and no version."""

import time
from datetime import date

import mlflow
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from ml.promote import promote
from ml.settings import settings
from ml.snapshots.catalogue import FEATURES
from ml.store import registry
from ml.train import train
from ml.training.pipeline import directions
from streamlit_app.formats import number, percent
from streamlit_app.model import FOLLOW_ALIAS_SECONDS
from streamlit_app.model_words import METRICS, input_label, shown
from streamlit_app.texts import LANGUAGES, say
from tests.integration.churn_rows import call, fill, forget_models
from tests.integration.conftest import PASSWORDS

TRAINED, LATER = "2019-05-19", "2019-05-26"
FIGURES = "select metric, value from ops.model_metrics where model_version = '1' and kind = %(kind)s and slice = 'all'"


@pytest.fixture(scope="module")
def trained(new_database, empty_template, mlflow_uri):
    """Version 1 in production, measured out of time too, and version 2 beside it."""
    forget_models(mlflow_uri)
    database = new_database(empty_template)
    database.extra_env["MLFLOW_TRACKING_URI"] = mlflow_uri
    fill(database, "2019-05-12", TRAINED, LATER)
    call(database, train, date.fromisoformat(TRAINED), 2)
    call(database, promote)
    call(database, train, date.fromisoformat(LATER), 3)
    return database


@pytest.fixture
def open_page(trained, monkeypatch):
    """Draw the page in a language, as the role that only reads."""
    reader = {"POSTGRES_USER": "meli_reader", "POSTGRES_PASSWORD": PASSWORDS["READER_DB_PASSWORD"]}
    for name, value in {**trained.env, **reader}.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    st.cache_data.clear()

    def draw(language: str) -> None:
        from streamlit_app import failures
        from streamlit_app.views import model

        with failures.told(language):
            model.page(language)

    def opened(language="en"):
        app = AppTest.from_function(draw, args=(language,), default_timeout=300).run()
        assert not app.exception
        assert not app.error
        return app

    yield opened
    settings.cache_clear()
    st.cache_data.clear()


def put_into_production(database, version):
    def put():
        with registry.session() as client:
            registry.set_production(client, version)

    call(database, put)


def rows(app):
    """The rows of all tables as texts."""
    tables = [table.value.astype(str).to_numpy().tolist() for table in app.table]
    return [[cell.replace("\u00a0", " ") for cell in row] for table in tables for row in table]


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_are_those_on_record_out_of_time_first(open_page, trained, language):
    app = open_page(language)
    assert "**1**" in app.markdown[0].value
    out_of_time, in_time = (dict(trained.rows(FIGURES, {"kind": kind})) for kind in ("out_of_time", "in_time"))
    assert app.metric[0].value == shown("roc_auc", out_of_time["roc_auc"], language)
    quality = [[row[0], row[1]] for row in rows(app)[: 2 * len(METRICS)]]
    assert quality == [
        [say(f"model_figure_{name}", language), shown(name, found[name], language)]
        for found in (out_of_time, in_time)
        for name in METRICS
    ]
    ((size,),) = trained.rows(
        "select count(*) from features.churn_weekly_features where snapshot_date <= '2019-05-19'"
        " and days_since_activity < 60 and label_horizon_days between 60 and 67"
        " and ops.customer_bucket(customer_id) >= 200"
    )
    assert number(size, language) in [each.value for each in app.metric]


@pytest.mark.parametrize("language", LANGUAGES)
def test_slices_say_what_was_promised_and_what_happened(open_page, trained, language):
    ((value, size, churners),) = trained.rows(
        "select value, rows_measured, churners from ops.model_metrics where model_version = '1'"
        " and metric = 'calibration' and kind = 'out_of_time' and slice = 'spend=lowest quarter'"
    )
    label = {"es": "Gasto en 90 días: cuarto más bajo", "en": "Spend in 90 days: lowest quarter"}[language]
    (row,) = [row for row in rows(open_page(language)) if row[0] == label]
    expected = [number(size, language), percent(churners / size + value, language), percent(churners / size, language)]
    assert row[1:4] == expected


def test_two_versions_are_side_by_side(open_page, trained):
    app = open_page()
    found = dict(
        trained.rows(
            "select model_version, value from ops.model_metrics"
            " where kind = 'in_time' and slice = 'all' and metric = 'roc_auc'"
        )
    )
    (row,) = [row for row in rows(app) if row[0] == "ROC AUC, in time"]
    assert [cell.split(" (")[0] for cell in row[1:]] == [shown("roc_auc", found[version], "en") for version in "12"]
    app.selectbox(key="model_second").set_value("1").run()
    assert not app.exception
    (row,) = [row for row in rows(app) if row[0] == "ROC AUC, in time"]
    assert row[1] == row[2]


def test_decisions_are_listed_in_words(open_page):
    decisions = [row for row in rows(open_page("es")) if "pasa a Production" in row]
    assert [row[1:4] for row in decisions] == [["pasa a Production", "1", "— → 1"]]


def test_a_promotion_is_followed_without_a_restart(open_page, trained):
    app = open_page()
    put_into_production(trained, "2")
    try:
        deadline, drawn_at = time.monotonic() + FOLLOW_ALIAS_SECONDS + 1, time.monotonic()
        while "**2**" not in app.run().markdown[0].value:
            assert drawn_at < deadline, "version 2 did not show"
            drawn_at = time.monotonic()
        assert FOLLOW_ALIAS_SECONDS < 30
    finally:
        put_into_production(trained, "1")


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_version_in_production_the_page_says_what_to_type(open_page, trained, language):
    client = mlflow.MlflowClient(trained.extra_env["MLFLOW_TRACKING_URI"])
    client.delete_registered_model_alias("churn-logreg", "production")
    try:
        assert "`airflow dags test churn_train_register_m 2019-05-31`" in open_page(language).warning[0].value
    finally:
        put_into_production(trained, "1")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_input_of_a_model_has_a_name_in_words(language):
    scores = [each.score_name for each in FEATURES if each.role != "none"]
    labels = {name: input_label(name, language) for name in {*scores, *directions()}}
    assert [name for name, label in labels.items() if name == label] == []
    assert len(set(labels.values())) == len(labels)
