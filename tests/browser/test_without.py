"""The pages when something they need is not there: a sentence that says what to do, and never a traceback."""

import mlflow
import pytest
from mlflow.tracking import MlflowClient
from playwright.sync_api import expect

from ml.model_config import MODEL_NAME, PRODUCTION_ALIAS
from streamlit_app.texts import say
from tests.browser.pages import SNAPSHOT, address, metric, reload_until, settled, words
from tests.browser.test_customer import active
from tests.browser.test_every_page import PAGES
from tests.integration.conftest import free_port

__all__ = ["active"]


@pytest.mark.parametrize("language", ["es", "en"])
def test_mlflow_down(start_site, new_page, scored, active, language):
    server = f"http://127.0.0.1:{free_port()}"
    site = start_site(scored, server)
    page = new_page(f"{site}/?lang={language}")
    expect(page.get_by_text(words("mlflow_down", language)).first).to_contain_text(server)
    expect(metric(page, "week_at_risk", language)).to_be_visible()  # figures need no model
    page.goto(address(site, "customer", language, id=active[0], snapshot=SNAPSHOT))
    expect(page.get_by_text(words("mlflow_down", language))).to_be_visible()
    expect(page.get_by_text(words("batch_line", language))).to_be_visible()  # and the stored score is shown anyway


@pytest.mark.parametrize("language", ["es", "en"])
def test_database_down(start_site, new_page, scored, mlflow_uri, language):
    port = str(free_port())
    page = new_page(f"{start_site(scored, mlflow_uri, POSTGRES_PORT=port)}/?lang={language}")
    expect(page.get_by_text(words("database_down", language)).first).to_contain_text(port)


def test_wrong_password(start_site, new_page, scored, mlflow_uri):
    page = new_page(start_site(scored, mlflow_uri, POSTGRES_PASSWORD="wrong"))
    expect(page.get_by_text("no aceptó la conexión de meli_reader").first).to_be_visible()


def test_database_without_tables(start_site, new_page, new_database, scored, mlflow_uri):
    page = new_page(start_site(new_database("template0"), mlflow_uri))
    expect(page.get_by_text("make seed").first).to_be_visible()


def test_database_that_does_not_exist(start_site, new_page, scored, mlflow_uri):
    page = new_page(start_site(scored, mlflow_uri, POSTGRES_DB="nowhere"))
    expect(page.get_by_text("make seed").first).to_be_visible()


@pytest.mark.parametrize("language", ["es", "en"])
def test_without_data_every_page_says_what_to_type(
    start_site, new_page, new_database, empty_template, mlflow_uri, scored, language
):
    site = start_site(new_database(empty_template), mlflow_uri)
    page = new_page(f"{site}/?lang={language}")
    expect(page.get_by_text("airflow dags test churn_batch_score_w").first).to_be_visible()
    for name in PAGES[1:]:
        page.goto(address(site, name, language))
        settled(page)
        expect(page.get_by_test_id("stMain").locator("code").first).to_be_visible()


def test_a_setting_that_is_no_number(start_site, new_page, scored, mlflow_uri):
    page = new_page(start_site(scored, mlflow_uri, POSTGRES_PORT="many"))
    expect(page.get_by_text("Variable de entorno POSTGRES_PORT").first).to_be_visible()


def test_no_model_in_production(site, new_page, mlflow_uri, active):
    mlflow.set_tracking_uri(mlflow_uri)
    client = MlflowClient()
    page = new_page(address(site, "customer", id=active[0], snapshot=SNAPSHOT))
    expect(metric(page, "probability")).to_be_visible()
    client.delete_registered_model_alias(MODEL_NAME, PRODUCTION_ALIAS)
    try:
        reload_until(page, "airflow dags test churn_train_register_m 2019-05-31")
        expect(metric(page, "probability")).to_have_count(0)
    finally:
        client.set_registered_model_alias(MODEL_NAME, PRODUCTION_ALIAS, "1")
    reload_until(page, say("as_of_version", "es", value=1))
