"""The scores against what the generator's customers do after the last day of the files, which nothing else reads."""

from datetime import date, timedelta

import numpy as np
import pytest

from ml.features import build_missing
from ml.infer_batch import score
from ml.promote import promote
from ml.train import train
from sample_data.generate import Request
from tests.integration import generated
from tests.integration.churn_rows import call, forget_models, scores

LAST = date(2019, 6, 30)
SUNDAYS = [LAST - timedelta(weeks=week) for week in reversed(range(13))]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_mean_score_is_the_share_that_stays_away(new_database, empty_template, mlflow_uri, tmp_path, seed):
    """On each Sunday, by a version trained on what was known on the last; the bounds are those of the project's aim."""
    request = Request(20_000, seed, date(2019, 7, 1))
    forget_models(mlflow_uri)
    database = new_database(empty_template)
    database.extra_env["MLFLOW_TRACKING_URI"] = mlflow_uri
    generated.load(database, request, tmp_path)
    trained = call(database, train, LAST, 8, LAST)
    assert trained["training_snapshots"] == SUNDAYS[:4]
    assert not trained["is_retrospective"]
    call(database, promote)
    call(database, build_missing, SUNDAYS)
    for sunday in SUNDAYS:
        call(database, score, sunday)
    truth = generated.stays_away(request, SUNDAYS)
    rows = scores(database)
    differences, scored = [], []
    for sunday in SUNDAYS:
        of_sunday = {row[0]: row[2] for row in rows if row[1] == sunday}
        promised, happened = np.mean(list(of_sunday.values())), truth.loc[list(of_sunday), sunday].mean()
        print(f"seed {seed}, {sunday}: {promised:.4f} promised, {happened:.4f} stayed away, {len(of_sunday)} customers")
        differences.append(promised - happened)
        scored.append(len(of_sunday))
    assert np.abs(differences).max() <= 0.015
    assert abs(np.average(differences, weights=scored)) <= 0.01
