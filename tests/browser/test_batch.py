"""The page that scores a file, as a person uses it: files uploaded, both downloads read back and compared."""

import csv
import io
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from streamlit_app.formats import day, number
from streamlit_app.texts import say

ACTIVE = """
    select * from features.churn_weekly_features join ops.churn_scoring using (customer_id, snapshot_date)
    where snapshot_date = '2019-05-26' order by customer_id limit 500
"""


@pytest.fixture(scope="module")
def customers(scored) -> list[dict[str, object]]:
    """Features and stored scores of some customers."""
    with scored.connect() as conn:
        cursor = conn.execute(ACTIVE)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]


@pytest.fixture
def open_batch(site, new_page):
    def run(language: str = "es") -> Page:
        page = new_page(f"{site}/batch?lang={language}")
        expect(page.get_by_role("heading", name=say("batch_title", language))).to_be_visible()
        return page

    return run


def upload(page: Page, content: str, name: str = "clientes.csv") -> None:
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": content.encode()}
    )


def press_score(page: Page, language: str = "es") -> None:
    page.get_by_role("button", name=say("batch_score", language)).click()
    expect(page.get_by_role("heading", name=say("batch_result", language))).to_be_visible()


def download(page: Page, key: str, language: str = "es") -> str:
    with page.expect_download() as started:
        page.get_by_role("button", name=say(key, language)).click()
    return Path(started.value.path()).read_text(encoding="utf-8-sig")


def rows(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


def metric(page: Page, key: str, language: str = "es"):
    labelled = page.get_by_test_id("stMetric").filter(has=page.get_by_text(say(key, language), exact=True))
    return labelled.get_by_test_id("stMetricValue")


def test_features_give_the_scores_that_the_weekly_batch_stored(open_batch, customers):
    page = open_batch()
    header, typical = download(page, "batch_template").splitlines()
    names = header.split(";")
    lines = [header, *(";".join(_decimal_comma(one[name]) for name in names) for one in customers)]
    upload(page, "\r\n".join(lines))
    expect(page.get_by_text("tiene variables de clientes")).to_be_visible()
    press_score(page)
    expect(metric(page, "batch_scored")).to_have_text(number(len(customers), "es"))
    expect(metric(page, "batch_rejected")).to_have_text("0")
    found = rows(download(page, "batch_download"), ";")
    assert len(found) == len(customers)
    for row, stored in zip(found, customers, strict=True):
        assert int(row["customer_id"]) == stored["customer_id"]
        assert float(row["score"].replace(",", ".")) == pytest.approx(stored["score"], abs=1e-12)
        assert (int(row["prediction"]), row["model_version"]) == (stored["prediction"], stored["model_version"])
    assert typical.count(";") == header.count(";")


def _decimal_comma(value: object) -> str:
    return "" if value is None else str(value).replace(".", ",")


@pytest.mark.parametrize("language", ["es", "en"])
def test_ids_give_stored_scores_and_both_files_add_up_to_the_one_uploaded(open_batch, customers, language):
    page = open_batch(language)
    ids = [str(one["customer_id"]) for one in customers]
    upload(page, "customer_id\n" + "\n".join([*ids, "nobody", ids[0]]))
    page.get_by_label(say("batch_snapshot", language)).click()
    snapshot = say("batch_is_stored", language, snapshot=day(date(2019, 5, 26), language))
    page.get_by_role("option", name=snapshot).click()
    press_score(page, language)
    expect(metric(page, "batch_rows", language)).to_have_text(number(len(ids) + 2, language))
    expect(page.get_by_test_id("stTable")).to_contain_text("nobody")
    found = rows(download(page, "batch_download", language))
    assert {int(row["customer_id"]): float(row["score"]) for row in found} == {
        one["customer_id"]: pytest.approx(one["score"], abs=1e-12) for one in customers
    }
    problems = rows(download(page, "batch_download_problems", language))
    assert [(row["row"], row["column"], row["value"]) for row in problems] == [
        (str(len(ids) + 2), "customer_id", "nobody"),
        (str(len(ids) + 3), "customer_id", ids[0]),
    ]
    page.get_by_text("English" if language == "es" else "Español").click()
    other = "en" if language == "es" else "es"
    expect(metric(page, "batch_scored", other)).to_have_text(number(len(ids), other))


@pytest.mark.parametrize("language", ["es", "en"])
def test_the_uploader_speaks_the_language(open_batch, language):
    page = open_batch(language)
    shown = "element => getComputedStyle(element, '::after').content"
    browse = page.get_by_test_id("stFileUploaderDropzone").get_by_role("button").locator("p")
    assert say("batch_browse", language) in browse.evaluate(shown)
    limits = page.get_by_test_id("stFileUploaderDropzoneInstructions").locator("span")
    assert say("batch_limits", language, size=250) in limits.evaluate(shown)


def test_a_file_without_a_good_row_offers_its_problems_alone(open_batch):
    page = open_batch()
    upload(page, "customer_id\nnobody\n-1\n")
    press_score(page)
    expect(metric(page, "batch_rejected")).to_have_text("2")
    expect(page.get_by_role("button", name=say("batch_download", "es"), exact=True)).to_have_count(0)
    assert len(rows(download(page, "batch_download_problems"))) == 2


def test_what_is_no_csv_file_is_refused_and_a_good_file_taken_after_it(open_batch, customers):
    page = open_batch()
    upload(page, "PK\x03\x04 no csv")
    expect(page.get_by_test_id("stAlert")).to_contain_text("Es un libro de Excel")
    upload(page, f"customer_id\n{customers[0]['customer_id']}\n")
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
    press_score(page)
    expect(metric(page, "batch_rows")).to_have_text("1")
