"""The notebooks, executed as the notebook role against PostgreSQL and MLflow; the READMEs' figures, computed again."""

import json
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from mlflow.tracking import MlflowClient
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tests.integration.churn_rows import forget_models
from tests.integration.conftest import PASSWORDS, ROOT, Database

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EXPLORE, MODEL = NOTEBOOKS


@dataclass(frozen=True)
class Scored:
    """The database, and what each command reported."""

    database: Database
    results: dict[str, dict]


def cell_with(notebook: nbformat.NotebookNode, text: str) -> nbformat.NotebookNode:
    """The one code cell whose source holds `text`."""
    (cell,) = [cell for cell in notebook.cells if cell.cell_type == "code" and text in cell.source]
    return cell


def table_rows(cell: nbformat.NotebookNode) -> int:
    """Rows of the table that the cell shows, its header left out."""
    (shown,) = [output["data"]["text/html"] for output in cell.outputs if "text/html" in output.get("data", {})]
    return shown.split("<tbody>")[1].count("<tr>")


@pytest.fixture
def execute(monkeypatch, mlflow_uri):
    """Execute a notebook against a database and return it with its outputs."""

    def run(path: Path, database) -> nbformat.NotebookNode:
        env = {**database.env, "POSTGRES_USER": "meli_notebook", "POSTGRES_PASSWORD": PASSWORDS["NOTEBOOK_DB_PASSWORD"]}
        for name, value in {**env, "MLFLOW_TRACKING_URI": mlflow_uri, "PYTHONPATH": str(ROOT)}.items():
            monkeypatch.setenv(name, value)
        notebook = nbformat.read(path, as_version=4)
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
        return notebook

    return run


@pytest.fixture(scope="module")
def scored(new_database, seeded_template, mlflow_uri):
    """What `make demo` makes of the sample, the crypto events left out: model, and scores of 2019-06-30."""
    forget_models(mlflow_uri)
    database = new_database(seeded_template)
    results = {}
    for command in (
        ("ml.features", "--snapshot-date", "2019-06-30"),
        ("ml.train", "--snapshot-date", "2019-06-30", "--as-of", "2019-06-30"),
        ("ml.promote",),
        ("ml.infer_batch", "--snapshot-date", "2019-06-30"),
    ):
        done = database.run(*command, MLFLOW_TRACKING_URI=mlflow_uri)
        assert done.returncode == 0, done.stderr
        results[command[0]] = json.loads(done.stdout.splitlines()[-1])
    return Scored(database, results)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_committed_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[] for _ in code]
    assert [cell.execution_count for cell in code] == [None for _ in code]


def test_model_notebook_without_a_model_says_what_to_run(execute, database, mlflow_uri):
    forget_models(mlflow_uri)
    with pytest.raises(CellExecutionError, match="airflow dags test churn_train_register_m 2019-05-31"):
        execute(MODEL, database)


def test_explore_notebook_runs_before_any_feature_is_built(execute, seeded):
    notebook = execute(EXPLORE, seeded)
    assert table_rows(cell_with(notebook, "from raw.payments")) == 6
    assert table_rows(cell_with(notebook, "churn_rate")) == 0


def test_explore_notebook_shows_each_file_and_each_snapshot(execute, scored):
    notebook = execute(EXPLORE, scored.database)
    assert table_rows(cell_with(notebook, "from ops.raw_loads")) == 7  # six CSV files and the crypto history
    ((snapshots,),) = scored.database.rows("select count(*) from ops.current_feature_builds")
    assert table_rows(cell_with(notebook, "churn_rate")) == snapshots == 5


def test_model_notebook_shows_the_ten_customers_most_at_risk(execute, scored):
    notebook = execute(MODEL, scored.database)
    shown = cell_with(notebook, "limit 10").outputs[0]["data"]["text/html"]
    top = scored.database.rows("select customer_id from ops.churn_scoring order by score desc, customer_id limit 10")
    positions = [shown.index(f"<td>{customer_id}</td>") for (customer_id,) in top]
    assert positions == sorted(positions)
    assert "heldout_roc_auc" in cell_with(notebook, "_low").outputs[0]["data"]["text/html"]


def figures(scored, mlflow_uri) -> list[str]:
    """The figures that the READMEs give, as English writes them."""
    metrics = MlflowClient(mlflow_uri).get_run(scored.results["ml.train"]["run_id"]).data.metrics
    ((customers, payments, promised, stayed_away),) = scored.database.rows(
        """
        select
            (select count(*) from staging.customers), (select count(*) from raw.payments),
            avg(score), avg(labeled_churn)::float8
        from ops.churn_scoring
        join features.churn_weekly_features using (customer_id, snapshot_date)
        where snapshot_date = '2019-06-30'
        """
    )
    scoring = scored.results["ml.infer_batch"]
    out_of_time, in_time = (
        "{:.3f} ({:.3f} to {:.3f})".format(*(metrics[f"{kind}_roc_auc{end}"] for end in ("", "_low", "_high")))
        for kind in ("out_of_time", "heldout")
    )
    return [
        f"| {customers:,} and {payments:,} |",
        f"| {out_of_time} |",
        f"| {metrics['out_of_time_recency_roc_auc']:.3f} |",
        f"| {promised * 100:.1f} and {stayed_away * 100:.1f} % |",
        f"| {in_time} |",
        f"| {scoring['scored']:,}; {scoring['excluded_already_churned']:,} |",
    ]


def test_figures_in_the_readmes_are_what_the_commands_give(scored, mlflow_uri):
    english, spanish = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.es.md"))
    given = figures(scored, mlflow_uri)
    assert [figure for figure in given if figure not in english] == []
    in_spanish = [
        figure.replace(" and ", " y ").replace(" to ", " a ").translate(str.maketrans(",.", ".,")) for figure in given
    ]
    assert [figure for figure in in_spanish if figure not in spanish] == []
