"""The notebooks, executed as the notebook role against PostgreSQL and MLflow; the READMEs' figures, computed again."""

import json
import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import nbformat
import numpy as np
import pytest
from mlflow.tracking import MlflowClient
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from sklearn.metrics import roc_auc_score

from ml.campaigns.create import Request, create
from ml.campaigns.profit import Assumptions
from tests.integration.churn_rows import call, forget_models
from tests.integration.conftest import PASSWORDS, ROOT, Database

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EXPLORE, FEATURES, MODEL, CAMPAIGN = NOTEBOOKS
FIGURES = {EXPLORE: 3, FEATURES: 2, MODEL: 6, CAMPAIGN: 2}
TODAY = "2019-06-30"


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


def figures_in(notebook: nbformat.NotebookNode) -> int:
    """PNG images that the notebook shows."""
    return sum(
        "image/png" in output.get("data", {})
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )


def run(path: Path, database: Database, mlflow_uri: str, values: str = "None") -> tuple[nbformat.NotebookNode, object]:
    """Execute a notebook as the notebook role: the notebook with its outputs, and `values` evaluated at its end."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(f"import json\nprint(json.dumps({values}))"))
    role = {"POSTGRES_USER": "meli_notebook", "POSTGRES_PASSWORD": PASSWORDS["NOTEBOOK_DB_PASSWORD"]}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            **database.env, **role, "MLFLOW_TRACKING_URI": mlflow_uri, "PYTHONPATH": str(ROOT),
        }.items():  # fmt: skip
            patch.setenv(name, value)
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    return notebook, json.loads(notebook.cells.pop().outputs[0]["text"])


@pytest.fixture
def execute(mlflow_uri):
    """Execute a notebook against a database and return it with its outputs."""
    return lambda path, database: run(path, database, mlflow_uri)[0]


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


@pytest.fixture(scope="module")
def explored(scored, mlflow_uri):
    """The first notebook."""
    return run(EXPLORE, scored.database, mlflow_uri)


@pytest.fixture(scope="module")
def leaked(scored, mlflow_uri):
    """The second notebook, with what it found about each way of taking values."""
    values = """{
        "judged": judged.drop(columns="ml.train").to_dict("index"),
        "says": judged["ml.train"].to_dict(),
        "paid_later": int((variants["no upper bound"]["days_since_activity"] <= 0).sum()),
        "in_file_month": float(variants["file's month"]["mau_mp_1"].sum()),
    }"""
    return run(FEATURES, scored.database, mlflow_uri, values)


@pytest.fixture(scope="module")
def explained(scored, mlflow_uri):
    """The third notebook, with its figures and its customer."""
    values = """{
        "customer": customer_id,
        "average": average,
        "groups": by_group.tolist(),
        "computed": agreement["computed"].to_dict(),
        "what_if": what_if.to_dict("list"),
        "promised": (calibration["mean_score"] * calibration["customers"]).sum(),
        "churners": int(calibration["churners"].sum()),
    }"""
    return run(MODEL, scored.database, mlflow_uri, values)


@pytest.fixture(scope="module")
def simulated(scored, mlflow_uri):
    """The last notebook, with its design, its outcome and how often outcomes show an effect."""
    values = """{
        "best": planned.best,
        "profit": planned.by_save_rate["expected"].best_profit,
        "arms": chosen.set_index("customer_id")["arm"].to_dict(),
        "salt": SALT,
        "churned": chosen["customer_id"][churned].tolist(),
        "fewer": list(fewer),
        "planted": TRUE_SAVE_RATE * score.mean(),
        "repeated": repeated["value"].tolist(),
        "intervals": repeated[["low", "high"]].to_numpy().tolist(),
        "works": states["works"].tolist(),
    }"""
    return run(CAMPAIGN, scored.database, mlflow_uri, values)


@pytest.mark.parametrize(
    ("path", "executed"), [(EXPLORE, "explored"), (FEATURES, "leaked"), (MODEL, "explained"), (CAMPAIGN, "simulated")]
)
def test_notebooks_show_their_figures_and_no_warning(path, executed, request):
    notebook, _ = request.getfixturevalue(executed)
    assert figures_in(notebook) == FIGURES[path]
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output["text"] for output in outputs if output.get("name") == "stderr"] == []


def test_explore_notebook_runs_before_any_feature_is_built(execute, seeded):
    notebook = execute(EXPLORE, seeded)
    assert table_rows(cell_with(notebook, "from raw.payments")) == 6
    assert table_rows(cell_with(notebook, "as churn_rate")) == 0
    assert figures_in(notebook) == 1


def test_explore_notebook_shows_each_file_and_each_snapshot(explored, scored):
    notebook, _ = explored
    assert table_rows(cell_with(notebook, "from ops.raw_loads")) == 7  # six CSV files and the crypto history
    ((snapshots,),) = scored.database.rows("select count(*) from ops.current_feature_builds")
    assert table_rows(cell_with(notebook, "as churn_rate")) == snapshots == 5


def test_features_notebook_without_closed_snapshots_says_which_to_build(execute, seeded):
    with pytest.raises(CellExecutionError, match=f"airflow dags test churn_feature_build_w {TODAY}"):
        execute(FEATURES, seeded)


def test_a_leak_promises_more_than_it_keeps(leaked):
    _, found = leaked
    honest, *leaks = found["judged"].values()
    assert abs(honest["roc_auc_fall"]) < 0.03
    assert len(leaks) == 3
    assert all(leak["roc_auc_random_split"] > honest["roc_auc_random_split"] + 0.03 for leak in leaks)
    assert all(leak["roc_auc_later"] < honest["roc_auc_later"] for leak in leaks)
    assert all(leak["log_loss_later"] > honest["log_loss_later"] for leak in leaks)


def test_leaks_hold_what_came_after_the_snapshot(leaked, scored):
    _, found = leaked
    ((paid_later, visits),) = scored.database.rows(
        """
        select
            count(*) filter (where exists (
                select from raw.payments
                where cus_cust_id_buy = customer_id and fecha >= snapshot_date and fecha < %(today)s
            )),
            sum(active_user.mau_mp_1)
        from features.churn_weekly_features
        left join raw.active_user on cus_cust_id_buy = customer_id
        where snapshot_date < %(today)s and days_since_activity < 60
        """,
        {"today": TODAY},
    )
    assert found["paid_later"] == paid_later
    assert found["in_file_month"] == visits


def test_training_stops_at_coarse_leaks_alone(leaked):
    _, found = leaked
    assert [says.split(":")[0] for says in found["says"].values()] == ["trains", "trains", "stops", "stops"]


def test_model_notebook_measures_what_the_scores_in_the_database_came_to(explained, scored):
    _, found = explained
    scores, churned = zip(
        *scored.database.rows(
            """
            select score, labeled_churn
            from ops.churn_scoring
            join features.churn_weekly_features using (customer_id, snapshot_date)
            where snapshot_date = %(today)s
            """,
            {"today": TODAY},
        ),
        strict=True,
    )
    stored = dict(
        scored.database.rows("select metric, value from ops.model_metrics where kind = 'out_of_time' and slice = 'all'")
    )
    assert found["computed"]["roc_auc"] == pytest.approx(roc_auc_score(churned, scores), abs=1e-9)
    assert {name: stored[name] for name in found["computed"]} == pytest.approx(found["computed"], abs=1e-9)
    assert found["promised"] == pytest.approx(sum(scores), abs=1e-6)
    assert found["churners"] == sum(churned)


def test_a_version_without_later_snapshots_is_measured_on_held_out_customers(scored, mlflow_uri, new_database):
    database = new_database(scored.database.name)
    with database.connect() as conn:
        conn.execute("delete from ops.model_metrics where kind = 'out_of_time'")
    _, found = run(MODEL, database, mlflow_uri, """{"computed": agreement["computed"].to_dict(), "rows": len(rows)}""")
    stored = dict(database.rows("select metric, value from ops.model_metrics where kind = 'in_time' and slice = 'all'"))
    assert {name: stored[name] for name in found["computed"]} == pytest.approx(found["computed"], abs=1e-9)
    ((rows,),) = database.rows(
        """
        select count(*) from features.churn_weekly_features
        where snapshot_date < %(today)s and days_since_activity < 60 and ops.customer_bucket(customer_id) < 200
        """,
        {"today": TODAY},
    )
    assert found["rows"] == rows


def test_contributions_of_the_customer_sum_to_the_stored_score(explained, scored):
    _, found = explained
    ((score, days),) = scored.database.rows(
        """
        select score, days_since_activity
        from ops.churn_scoring
        join features.churn_weekly_features using (customer_id, snapshot_date)
        where (customer_id, snapshot_date) = (%(customer)s, %(today)s)
        """,
        {"customer": found["customer"], "today": TODAY},
    )
    assert found["average"] + sum(found["groups"]) == pytest.approx(math.log(score / (1 - score)), abs=1e-9)
    what_if = found["what_if"]
    assert what_if["days_since_activity"] == list(range(1, 60))
    assert what_if["probability"][days - 1] == pytest.approx(score, abs=1e-9)
    assert [n for day, n in enumerate(what_if["active_days_30d"], 1) if (n == 0) != (day > 30)] == []


def test_model_notebook_shows_the_ten_customers_most_at_risk(explained, scored):
    notebook, _ = explained
    shown = cell_with(notebook, "limit 10").outputs[0]["data"]["text/html"]
    top = scored.database.rows("select customer_id from ops.churn_scoring order by score desc, customer_id limit 10")
    positions = [shown.index(f"<td>{customer_id}</td>") for (customer_id,) in top]
    assert positions == sorted(positions)


def test_campaign_notebook_without_scores_says_what_to_run(execute, seeded):
    with pytest.raises(CellExecutionError, match="airflow dags test churn_batch_score_w 2019-05-26"):
        execute(CAMPAIGN, seeded)


def test_the_designed_campaign_is_the_one_that_would_be_created(simulated, scored, new_database):
    _, found = simulated
    database = new_database(scored.database.name)  # contacted customers would be missing from the other tests
    assumed = Assumptions(contact_cost=5, offer_cost=20, save_rate=0.25, margin=0.5)
    request = Request("June", date.fromisoformat(TODAY), assumed, control_share=0.3, salt=found["salt"])
    created = call(database, create, request)
    assert created["contact"] + created["control"] == found["best"]
    assigned = database.rows("select customer_id, arm, expected_profit from ops.campaign_assignments")
    assert found["arms"] == {str(customer): arm for customer, arm, _ in assigned}
    assert found["profit"] == pytest.approx(sum(profit for *_, profit in assigned))


def test_the_simulated_effect_is_the_difference_between_the_arms(simulated):
    _, found = simulated
    churn = {
        arm: sum(found["arms"][str(customer)] == arm for customer in found["churned"])
        / sum(each == arm for each in found["arms"].values())
        for arm in ("contact", "control")
    }
    value, low, high = found["fewer"]
    assert value == pytest.approx(churn["control"] - churn["contact"], abs=0.002)  # strata are of nearly equal size
    assert low < found["planted"] < high


def test_repeated_outcomes_show_the_planted_effect_and_seldom_one_that_is_not_there(simulated):
    _, found = simulated
    assert np.mean(found["repeated"]) == pytest.approx(found["planted"], abs=0.005)
    covered = [low <= found["planted"] <= high for low, high in found["intervals"]]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.03)
    none, *_, double = found["works"]
    assert none < 6
    assert double > 99


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
