"""The form when something it needs is not there: a sentence that says what to do, and never a traceback."""

import mlflow
import pytest
from mlflow.tracking import MlflowClient
from playwright.sync_api import expect

from ml.model_config import MODEL_NAME, PRODUCTION_ALIAS
from streamlit_app.texts import say
from tests.browser.test_form import active, metric, press_until, search
from tests.integration.conftest import free_port

__all__ = ["active"]


def words(key: str, language: str = "es") -> str:
    """The beginning of a text, up to its first value."""
    return say(
        key, language, **dict.fromkeys(["name", "address", "user", "database", "variable", "reason"], "\0")
    ).split("\0")[0]


@pytest.mark.parametrize("language", ["es", "en"])
def test_mlflow_down(start_site, new_page, scored, active, language):
    address = f"http://127.0.0.1:{free_port()}"
    page = new_page(f"{start_site(scored, address)}/?lang={language}")
    expect(page.get_by_text(words("mlflow_down", language))).to_contain_text(address)
    search(page, str(active[0]), language=language)
    expect(page.get_by_test_id("stAlert").filter(has_text="(")).to_have_count(2)  # and the stored score is shown anyway


@pytest.mark.parametrize("language", ["es", "en"])
def test_database_down(start_site, new_page, scored, mlflow_uri, language):
    port = str(free_port())
    page = new_page(f"{start_site(scored, mlflow_uri, POSTGRES_PORT=port)}/?lang={language}")
    expect(page.get_by_text(words("database_down", language))).to_contain_text(port)
    page.get_by_role("button", name=say("compute", language)).click()  # values by hand need no database
    expect(metric(page, "probability", language)).to_contain_text("%")


def test_wrong_password(start_site, new_page, scored, mlflow_uri):
    page = new_page(start_site(scored, mlflow_uri, POSTGRES_PASSWORD="wrong"))
    expect(page.get_by_text("no aceptó la conexión de meli_reader")).to_be_visible()


def test_database_without_tables(start_site, new_page, new_database, scored, mlflow_uri):
    page = new_page(start_site(new_database("template0"), mlflow_uri))
    expect(page.get_by_text("make seed")).to_be_visible()


def test_database_that_does_not_exist(start_site, new_page, scored, mlflow_uri):
    page = new_page(start_site(scored, mlflow_uri, POSTGRES_DB="nowhere"))
    expect(page.get_by_text("make seed")).to_be_visible()


def test_no_features_yet(start_site, new_page, new_database, empty_template, mlflow_uri, scored):
    page = new_page(start_site(new_database(empty_template), mlflow_uri))
    expect(page.get_by_text("airflow dags test churn_feature_build_w 2019-05-26")).to_be_visible()


def test_a_setting_that_is_no_number(start_site, new_page, scored, mlflow_uri):
    page = new_page(start_site(scored, mlflow_uri, POSTGRES_PORT="many"))
    expect(page.get_by_text("Variable de entorno POSTGRES_PORT")).to_be_visible()


def test_no_model_in_production(site, new_page, mlflow_uri, active):
    mlflow.set_tracking_uri(mlflow_uri)
    client = MlflowClient()
    page = new_page(site)
    client.delete_registered_model_alias(MODEL_NAME, PRODUCTION_ALIAS)
    try:
        press_until(page, say("search", "es"), "airflow dags test churn_train_register_m 2019-05-31")
        expect(metric(page, "probability")).to_have_count(0)
    finally:
        client.set_registered_model_alias(MODEL_NAME, PRODUCTION_ALIAS, "1")
    press_until(page, say("search", "es"), "Modelo churn-logreg, versión 1")
