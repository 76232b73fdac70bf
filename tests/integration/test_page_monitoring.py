"""The page Monitoring: what it shows of the rows put in, in both languages, for another week, and without any."""

import pytest
from streamlit.testing.v1 import AppTest

from ml.settings import settings
from streamlit_app.formats import day, number, percent
from streamlit_app.texts import LANGUAGES, say
from tests.integration.conftest import PASSWORDS
from tests.integration.monitored_rows import CLOSED, LAST, fill


@pytest.fixture(scope="module")
def filled(new_database, empty_template):
    database = new_database(empty_template)
    fill(database)
    return database


@pytest.fixture
def open_page(monkeypatch):
    """Draw the page of a database in a language, as the role that only reads."""

    def draw(language: str) -> None:
        from streamlit_app import failures
        from streamlit_app.views import monitoring

        with failures.told(language):
            monitoring.page(language)

    def opened(database, language="en"):
        reader = {"POSTGRES_USER": "meli_reader", "POSTGRES_PASSWORD": PASSWORDS["READER_DB_PASSWORD"]}
        for name, value in {**database.env, **reader}.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        app = AppTest.from_function(draw, args=(language,), default_timeout=120).run()
        assert not app.exception
        assert not app.error
        return app

    yield opened
    settings.cache_clear()


def cells(app):
    """Every text of every table."""
    return {str(value).replace("\u00a0", " ") for table in app.table for value in table.value.to_numpy().ravel()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_newest_week_is_shown_with_its_figures(open_page, filled, language):
    app = open_page(filled, language)
    assert app.title[0].value == say("monitoring_title", language)
    assert [each.value for each in app.metric] == ["1", "1", "3", day(LAST, language)]
    shown = cells(app)
    for text in (
        percent(0.19, language),  # promised at the closed snapshot
        percent(0.2, language),  # and what happened
        "0,810" if language == "es" else "0.810",
        day(CLOSED, language),
        number(4000, language),
        "▲",  # scored without all features
    ):
        assert any(text in cell for cell in shown), text
    assert {tab.label for tab in app.tabs} == {say(f"monitoring_tab_{name}", language) for name in
        ("realized", "drift", "runs", "rejects", "checks")}  # fmt: skip
    assert len(app.get("vega_lite_chart")) == 4


def test_an_alert_says_what_was_found_the_limit_and_what_to_do(open_page, filled):
    (alert,) = [each.value for each in open_page(filled, "es").markdown if "✖" in each.value]
    assert "**Pagos, últimos 90 días** ya no se distribuye como en el entrenamiento" in alert
    assert "Valor 0,12, límite 0,05." in alert
    assert '`make airflow ARGS="dags test churn_train_register_m 2019-06-30"`' in alert


def test_another_week_can_be_chosen(open_page, filled):
    app = open_page(filled)
    app.selectbox(key="monitored_snapshot").select_index(1).run()
    assert not app.exception
    assert [each.value for each in app.metric][:3] == ["1", "0", "1"]
    (alert,) = [each.value for each in app.markdown if "✖" in each.value]
    assert "Load of **PAYMENTS.csv**: `half of the rows rejected`" in alert


def test_rejects_and_refused_loads_are_told(open_page, filled):
    shown = cells(open_page(filled))
    assert "`FECHA '…' is not a date`" in shown
    assert "✖ refused: `has 5 of 6 columns`" in shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_anything_the_page_says_what_to_type(open_page, database, language):
    app = open_page(database, language)
    assert "`airflow dags test churn_monitor_w 2019-06-30`" in app.info[0].value
    assert "`make seed`" in " ".join(cells(app))
