"""The README's commands, word for word, and what they leave behind."""

from collections.abc import Callable

from tests.stack.harness import COMPOSE, PASSWORDS, Stack

Tried = Callable[[str, str], None]


def test_csv_files_are_loaded(stack: Stack) -> None:
    rows = dict(stack.rows("select table_name, rows_loaded from ops.raw_loads where status = 'loaded'"))
    with (stack.root / "PAYMENTS.csv").open("rb") as file:
        assert rows["raw.payments"] == sum(1 for _ in file) - 1
    assert stack.rows("select count(*) > 0 from raw.bt_crypto_transaction_history") == [(True,)]


def test_historical_commands(trained: Stack, tried: Tried) -> None:
    found = trained.rows(
        "select (select count(*) from features.churn_weekly_features where snapshot_date = '2019-05-26'),"
        " (select count(*) from ops.churn_scoring where snapshot_date = '2019-05-26'),"
        " (select count(*) from ops.bt_crypto_events)"
    )[0]
    assert min(found) > 0
    tried("features, training, scores, crypto events by dags test", "{} {} {} rows".format(*found))


def test_up_of_one_service(trained: Stack) -> None:
    trained.compose("up", "-d", "streamlit")
    trained.heal_time("streamlit", old={})


def test_seed_loads_anew_and_changes_nothing(trained: Stack) -> None:
    before = trained.rows("select count(*), sum(spent) from raw.payments")
    trained.run("make", "seed")
    assert trained.rows("select count(*), sum(spent) from raw.payments") == before


def test_make_commands_reach_the_containers(trained: Stack) -> None:
    assert trained.run("make", "-s", "psql", "ARGS=-Atc 'select current_database()'").stdout.strip() == "meli"
    assert "churn_batch_score_w" in trained.run("make", "-s", "airflow", "ARGS=dags list").stdout
    refused = trained.run("make", "-s", "rollback", "WHY=a test", check=False)
    assert "there is nothing to go back to: no version was in production before" in refused.stdout + refused.stderr
    why = """it's a "test" of $HOME; $(id)"""
    for target in ("hold", "unhold"):
        trained.run("make", "-s", target, f"WHY={why}", "WHO=O'Higgins")
    decisions = trained.rows("select action, who, why from ops.model_promotions order by promotion_id desc limit 2")
    assert decisions == [("unhold", "O'Higgins", why), ("hold", "O'Higgins", why)]


def test_a_password_changed_in_env_counts_from_the_next_up(trained: Stack) -> None:
    changed = {
        "POSTGRES_PASSWORD": "other owner'".rstrip("'") + " $%",
        "READER_DB_PASSWORD": "other #reader",
        "AIRFLOW_ADMIN_PASSWORD": "other $admin",
    }
    trained.set(**changed)
    trained.run("make", "up")
    with trained.connect() as owner, trained.connect("meli_reader", "READER") as reader:
        assert owner.execute("select 1").fetchone() == reader.execute("select 1").fetchone() == (1,)
    from tests.stack.harness import AirflowApi

    api = AirflowApi(trained)
    assert api.login(PASSWORDS["AIRFLOW_ADMIN_PASSWORD"])[0] == 401
    assert api.login(changed["AIRFLOW_ADMIN_PASSWORD"])[0] == 201


def test_commands_need_no_other_folder_than_the_checkout(trained: Stack) -> None:
    assert trained.run(*COMPOSE, "ps", "--format", "{{.Service}}").stdout.split()
