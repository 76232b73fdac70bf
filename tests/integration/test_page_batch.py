"""The page that scores an uploaded file: what it shows for each kind of file, and what it leaves behind."""

from datetime import date
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ml.promote import promote
from ml.scoring.upload import template
from ml.settings import settings
from ml.store import registry
from ml.train import train
from streamlit_app.formats import day
from streamlit_app.texts import LANGUAGES, say
from streamlit_app.views import batch
from tests.integration.churn_rows import call, fill, forget_models
from tests.integration.conftest import PASSWORDS

SNAPSHOTS = ("2019-05-19", "2019-05-26")


@pytest.fixture(scope="module")
def database(new_database, empty_template, mlflow_uri):
    """Features of two snapshots, of which the newest is scored by the version in production."""
    forget_models(mlflow_uri)
    made = new_database(empty_template)
    made.extra_env["MLFLOW_TRACKING_URI"] = mlflow_uri
    fill(made, *SNAPSHOTS)
    call(made, train, date.fromisoformat(SNAPSHOTS[-1]), 2)
    call(made, promote)
    return made


@pytest.fixture
def open_page(database, monkeypatch, tmp_path):
    """Draw the page in a language, as the role that only reads; its temporary files are in `tmp_path`."""
    reader = {"POSTGRES_USER": "meli_reader", "POSTGRES_PASSWORD": PASSWORDS["READER_DB_PASSWORD"]}
    for name, value in {**database.env, **reader}.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def draw(language: str) -> None:
        from streamlit_app import failures
        from streamlit_app.views import batch

        with failures.told(language):
            batch.page(language)

    yield lambda language="es": AppTest.from_function(draw, args=(language,), default_timeout=120).run()
    settings.cache_clear()


def upload(app: AppTest, content: str | bytes, name: str = "clientes.csv") -> AppTest:
    data = content.encode() if isinstance(content, str) else content
    app.file_uploader[0].set_value((name, data, "text/csv"))
    app.run()
    assert not app.exception
    return app


def press(app: AppTest) -> AppTest:
    app.button[0].click().run()
    assert not app.exception
    return app


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def active(database, count: int) -> list[int]:
    rows = database.rows(
        "select customer_id from ops.churn_scoring where snapshot_date = '2019-05-26' order by 1 limit %(count)s",
        {"count": count},
    )
    return [one for (one,) in rows]


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_file_the_page_explains_both_kinds_and_offers_a_template(open_page, language):
    app = open_page(language)
    assert not app.exception
    assert app.title[0].value == say("batch_title", language)
    assert "`customer_id`" in app.markdown[0].value
    assert [button.label for button in app.download_button] == [say("batch_template", language)]
    assert not app.metric


@pytest.mark.parametrize("language", LANGUAGES)
def test_ids_are_looked_up_at_the_snapshot_that_is_chosen(open_page, database, language):
    known = active(database, 3)
    app = upload(open_page(language), "customer_id,note\n" + "".join(f"{one},x\n" for one in known) + "0,x\n")
    assert "`note`" in app.markdown[1].value
    assert app.selectbox[0].options == [
        say("batch_is_stored", language, snapshot=day(date(2019, 5, 26), language)),
        say("batch_is_computed", language, snapshot=day(date(2019, 5, 19), language)),
    ]
    press(app)
    shown = metrics(app)
    assert [shown[say(f"batch_{name}", language)] for name in ("rows", "scored", "rejected")] == ["4", "3", "1"]
    assert app.caption[-1].value.startswith(say("as_of_snapshot", language, value=day(date(2019, 5, 26), language)))
    assert say("as_of_version", language, value="1") in app.caption[-1].value
    rows = app.table[0].value.to_numpy().tolist()
    assert [row[:3] for row in rows] == [[5, "`customer_id`", "`0`"]]
    labels = [button.label for button in app.download_button]
    assert labels[1:] == [say("batch_download", language), say("batch_download_problems", language)]


def test_another_snapshot_asks_for_the_scores_again(open_page, database):
    app = press(upload(open_page(), f"customer_id\n{active(database, 1)[0]}\n"))
    assert metrics(app)
    app.selectbox[0].select_index(1).run()
    assert not app.metric
    press(app)
    assert metrics(app)[say("batch_rows", "es")] == "1"


def test_a_template_that_is_filled_in_is_scored(open_page):
    app = open_page("es")
    with registry.session() as client:
        version = registry.get(client, "1")
    press(upload(app, template(version, decimal_comma=True)))
    assert metrics(app)[say("batch_scored", "es")] == "1"
    assert not app.table
    assert not app.selectbox


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "está vacío"),
        (b"PK\x03\x04", "libro de Excel"),
        (b"nombre;edad\nAna;33\n", "no tiene `customer_id` ni las columnas del modelo"),
        (b"customer_id;payments_90d\n1;2\n", "Columnas que faltan"),
        (b"customer_id\n", None),
    ],
)
def test_a_file_that_cannot_be_scored_is_refused_in_a_sentence(open_page, content, says):
    app = upload(open_page(), content)
    if says is None:
        press(app)
        says = "ninguna fila"
    assert says in app.error[0].value
    assert not app.metric


def test_what_a_file_says_is_shown_as_it_is(open_page):
    app = upload(open_page(), "<b>x</b>,**y**\n1,2\n")
    assert "`<b>x</b>`, `**y**`" in app.error[0].value


def test_the_problems_shown_are_counted_and_cut(open_page):
    app = press(upload(open_page("en"), "customer_id\n" + "0\n" * 1200))
    assert len(app.table[0].value) == 25
    assert any("1,200" in text.value and "25" in text.value for text in app.markdown)


def test_temporary_files_go_with_the_file(open_page, database, tmp_path):
    app = press(upload(open_page(), f"customer_id\n{active(database, 1)[0]}\n"))
    (folder,) = tmp_path.iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["problems.csv", "scores.csv"]
    app.file_uploader[0].clear()
    app.run()
    assert list(tmp_path.iterdir()) == []


def test_what_is_downloaded_is_read_when_the_button_is_pressed(open_page, database, monkeypatch):
    offered: dict[str, object] = {}
    monkeypatch.setattr(batch.st, "download_button", lambda label, data, **_: offered.update({label: data}))
    press(upload(open_page(), f"customer_id\n{active(database, 1)[0]}\n"))
    content = offered[say("batch_download", "es")]()
    assert content.startswith(b'"row","customer_id","snapshot_date","score"')
    assert isinstance(offered[say("batch_download", "es")].__self__, Path)
