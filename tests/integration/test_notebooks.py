"""The notebooks, executed as JupyterLab executes them: as the notebook role, against PostgreSQL and MLflow."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tests.integration.conftest import PASSWORDS, ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EXPLORE, MODEL = NOTEBOOKS


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
    """A database with a trained, promoted model and the scores of 2019-05-26."""
    database = new_database(seeded_template)
    for command in (
        ("ml.train", "--snapshot-date", "2019-05-31", "--lookback-weeks", "2"),
        ("ml.promote",),
        ("ml.infer_batch", "--snapshot-date", "2019-05-26"),
    ):
        done = database.run(*command, MLFLOW_TRACKING_URI=mlflow_uri)
        assert done.returncode == 0, done.stderr
    return database


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_committed_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[] for _ in code]
    assert [cell.execution_count for cell in code] == [None for _ in code]


def test_model_notebook_without_a_model_says_what_to_run(execute, database):
    with pytest.raises(CellExecutionError, match="airflow dags test churn_train_register_m 2019-05-31"):
        execute(MODEL, database)


def test_explore_notebook_runs_before_any_feature_is_built(execute, seeded):
    notebook = execute(EXPLORE, seeded)
    assert table_rows(cell_with(notebook, "from raw.payments")) == 6
    assert table_rows(cell_with(notebook, "churn_rate")) == 0


def test_explore_notebook_shows_each_file_and_each_snapshot(execute, scored):
    notebook = execute(EXPLORE, scored)
    assert table_rows(cell_with(notebook, "from ops.raw_loads")) == 7  # six CSV files and the crypto history
    ((snapshots,),) = scored.rows("select count(*) from ops.feature_builds")
    assert table_rows(cell_with(notebook, "churn_rate")) == snapshots == 2


def test_model_notebook_shows_the_ten_customers_most_at_risk(execute, scored):
    notebook = execute(MODEL, scored)
    shown = cell_with(notebook, "limit 10").outputs[0]["data"]["text/html"]
    top = scored.rows("select customer_id from ops.churn_scoring order by score desc, customer_id limit 10")
    positions = [shown.index(f"<td>{customer_id}</td>") for (customer_id,) in top]
    assert positions == sorted(positions)
    assert "heldout_roc_auc" in cell_with(notebook, "_low").outputs[0]["data"]["text/html"]
