"""Scores the customers of an uploaded CSV file, given by their features or by their ids.

version = registry.get(client, "3")
result = upload.score_features(Path("customers.csv"), folder, version, registry.load(version))
"""

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv
from sklearn.pipeline import Pipeline

from ml.cli import CommandError
from ml.model_config import ACTIVE_DAYS, MODEL_NAME
from ml.scoring.missing import described, missing_features
from ml.scoring.upload_layout import BOM, DAYS, ID, Layout, recognise
from ml.scoring.upload_rows import Found, Problem, Progress, Rows
from ml.scoring.upload_rules import ACTIVE, KNOWN, NOT_SCORED
from ml.snapshots.catalogue import BY_NAME
from ml.snapshots.feature import REAL
from ml.store import feature_rows
from ml.store.registry import ChurnVersion
from ml.utils_io import sql

SHOWN = 25  # problems
READ, CHECKED = 0.15, 0.25  # shares of the work that are done then
CURRENT_RUN = """
select model_version, scored_at from ops.scoring_runs
where snapshot_date = %(snapshot_date)s and replaced_at is null
"""
STORED = """
select features.customer_id, features.days_since_activity, scored.score, scored.prediction
from features.churn_weekly_features as features
left join ops.churn_scoring as scored
    on scored.snapshot_date = features.snapshot_date and scored.customer_id = features.customer_id
    and scored.model_version = %(model_version)s
where features.snapshot_date = %(snapshot_date)s and features.customer_id = any(%(ids)s)
"""
FEATURES = """
select {columns} from features.churn_weekly_features
where snapshot_date = %(snapshot_date)s and customer_id = any(%(ids)s)
"""
# Of some rows of the file, in their order: `score` and `prediction`, NaN where there is none.
Scorer = Callable[[pa.Table], pd.DataFrame]


@dataclass(frozen=True)
class Result:
    """What came of a file: `rows` = `scored` + `rejected`, and two CSV files in the caller's folder.

    `snapshot_date` is None for a file of features. `is_stored`: the scores are those that the weekly batch computed at
    `scored_at`. `problems` are the first of `problem_count`. `unseen`: texts by feature that the training has not seen;
    they count as not known.
    """

    layout: Layout
    version: str
    threshold: float
    snapshot_date: date | None
    is_stored: bool
    scored_at: datetime
    rows: int
    scored: int
    rejected: int
    predicted_churn: int
    problem_count: int
    problems: list[Problem] = field(repr=False)
    unseen: dict[str, list[str]] = field(repr=False)
    scores_file: Path
    problems_file: Path


def score_features(
    path: Path, folder: Path, version: ChurnVersion, pipeline: Pipeline, progress: Progress = lambda share: None
) -> Result:
    """Score the rows of a file of features, whose columns are named as in the feature table, by `version`.

    `folder` receives `scores.csv` and `problems.csv`; `progress` is called with the share that is done, 0 to 1.

    Raises:
        Refused: the file as a whole cannot be scored.
        CommandError: the version takes a feature that the catalogue no longer has.
    """
    source = _Computing(version, pipeline)
    return _score(path, folder, source, source.scores, None, progress)


def score_ids(
    path: Path,
    folder: Path,
    conn: psycopg.Connection,
    snapshot_date: date,
    version: ChurnVersion,
    pipeline: Pipeline,
    progress: Progress = lambda share: None,
) -> Result:
    """Look up the customers of a file of ids at a snapshot: their stored scores if `version` gave them, else new ones.

    `folder` receives `scores.csv` and `problems.csv`; `progress` is called with the share that is done, 0 to 1.

    Raises:
        Refused: the file as a whole cannot be scored.
        CommandError: the snapshot has no features, or lacks some that the version takes.
    """
    source = _AtSnapshot(conn, snapshot_date, version, pipeline)
    return _score(path, folder, source, source.scores, source, progress)


def template(version: ChurnVersion, *, decimal_comma: bool) -> str:
    """A file of features to fill in: the header, and one row with the medians of the training."""
    medians: dict[str, list[float]] = version.tag("training_quantiles")
    middle = version.tag("training_quantiles_at").index(0.5)
    typical = {name: seen[0] for name, seen in version.tag("categories").items()}
    for name in medians:
        decimals = 2 if BY_NAME[name].sql_type == REAL else 0
        typical[name] = f"{medians[name][middle]:.{decimals}f}".replace(".", "," if decimal_comma else ".")
    text = io.StringIO()
    lines = csv.writer(text, delimiter=";" if decimal_comma else ",")
    lines.writerows([(ID, *version.features), (1, *(typical[name] for name in version.features))])
    return text.getvalue()


class _Computing:
    """Scores from features by the pipeline of a version, and the texts met that its training has not seen."""

    def __init__(self, version: ChurnVersion, pipeline: Pipeline) -> None:
        if unknown := [name for name in version.features if name not in BY_NAME]:
            raise CommandError(
                f"{MODEL_NAME} version {version.version} takes {', '.join(unknown)}, which the catalogue no longer has;"
                " train again: airflow dags test churn_train_register_m DATE"
            )
        self.version, self._pipeline = version, pipeline
        self._trained_on: dict[str, list[str]] = version.tag("categories")
        self._unseen: dict[str, set[str]] = {name: set() for name in self._trained_on}

    def scores(self, rows: pa.Table) -> pd.DataFrame:
        frame = feature_rows.to_frame(rows.select(self.version.features))
        for name, seen in self._trained_on.items():
            self._unseen[name].update(frame[name].cat.categories.difference(seen))
        scores = self._pipeline.predict_proba(frame[list(self.version.features)])[:, 1]
        return pd.DataFrame({"score": scores, "prediction": (scores >= self.version.threshold).astype(np.float64)})

    def unseen(self) -> dict[str, list[str]]:
        return {name: sorted(found) for name, found in self._unseen.items() if found}


class _AtSnapshot(_Computing):
    """Scores of customers at a snapshot, stored or computed, with `days_since_activity` (NaN: no features)."""

    def __init__(
        self, conn: psycopg.Connection, snapshot_date: date, version: ChurnVersion, pipeline: Pipeline
    ) -> None:
        super().__init__(version, pipeline)
        self._conn, self.snapshot_date = conn, snapshot_date
        self._where = {"snapshot_date": snapshot_date, "model_version": version.version}
        self.scored_at: datetime | None = None  # by the weekly batch
        run = conn.execute(CURRENT_RUN, self._where).fetchone()
        if run is not None and run[0] == version.version:
            self.scored_at = run[1]
        elif not conn.execute(sql("current_build"), self._where).fetchall():
            raise CommandError(
                f"no features for {snapshot_date}; build them: airflow dags test churn_feature_build_w {snapshot_date}"
            )
        elif missing := missing_features(conn, snapshot_date, version):
            raise CommandError(
                f"{MODEL_NAME} version {version.version} cannot score {snapshot_date}: {described(missing)}"
            )

    def scores(self, rows: pa.Table) -> pd.DataFrame:
        asked = rows[ID].to_pylist()
        found = self._stored(asked) if self.scored_at else self._computed(asked)
        return found.set_index(ID).reindex(asked).reset_index()

    def _stored(self, ids: list[int]) -> pd.DataFrame:
        found = self._conn.execute(STORED, {**self._where, "ids": ids}).fetchall()
        return pd.DataFrame(found, columns=[ID, DAYS, "score", "prediction"])

    def _computed(self, ids: list[int]) -> pd.DataFrame:
        columns = tuple(dict.fromkeys((ID, DAYS, *self.version.features)))
        with feature_rows.reading(self._conn, FEATURES, columns, {**self._where, "ids": ids}) as batches:
            found = batches.read_all()
        is_active = pc.less(found[DAYS], ACTIVE_DAYS)
        active = found.filter(is_active)
        known: pd.DataFrame = found.select([ID, DAYS]).to_pandas()
        if not active.num_rows:
            known[["score", "prediction"]] = np.nan
            return known
        return known.join(super().scores(active).set_index(known.index[is_active.to_numpy()]))

    def unscored(self, rows: pa.Table, answers: pd.DataFrame) -> Iterator[Found]:
        """Why customers have no score."""
        days = answers[DAYS].to_numpy(dtype=float)
        for place in np.flatnonzero(answers["score"].isna()):
            expected = KNOWN if np.isnan(days[place]) else ACTIVE if days[place] >= ACTIVE_DAYS else NOT_SCORED
            yield Found(rows["line"][place].as_py(), str(rows[ID][place]), expected, str(self.snapshot_date))


def _score(
    path: Path, folder: Path, source: _Computing, scorer: Scorer, snapshot: _AtSnapshot | None, progress: Progress
) -> Result:
    """Check, score and write the rows of the file."""
    version = source.version
    with path.open("rb") as uploaded:
        layout = recognise(uploaded, version.features)
    if (layout.kind == "ids") != (snapshot is not None):
        raise CommandError(f"{path} is a file of {layout.kind}")
    snapshot_date = None if snapshot is None else snapshot.snapshot_date
    scored_at = datetime.now(UTC) if snapshot is None or snapshot.scored_at is None else snapshot.scored_at
    scores_file, problems_file = folder / "scores.csv", folder / "problems.csv"
    taken = scored = churners = 0
    with (
        TemporaryDirectory(dir=folder) as scratch,
        closing(Rows(path, layout, Path(scratch), lambda share: progress(READ * share))) as rows,
        scores_file.open("wb") as file,
    ):
        to_score = rows.total - rows.rejected
        progress(CHECKED)
        with _Output(file, layout, rows.passed_on(), version, snapshot_date) as output:
            for batch in rows.good():
                answers = scorer(batch)
                if snapshot is not None:
                    rows.reject(ID, snapshot.unscored(batch, answers))
                scored += output.write(batch, answers)
                churners += int(answers["prediction"].sum())
                taken += batch.num_rows
                progress(CHECKED + (1 - CHECKED) * taken / to_score)
        rows.write_problems(problems_file)
        if rows.total != scored + rows.rejected:
            raise RuntimeError(f"{rows.total} rows, but {scored} scored and {rows.rejected} rejected")
        progress(1.0)
        return Result(
            layout=layout,
            version=version.version,
            threshold=version.threshold,
            snapshot_date=snapshot_date,
            is_stored=snapshot is not None and snapshot.scored_at is not None,
            scored_at=scored_at,
            rows=rows.total,
            scored=scored,
            rejected=rows.rejected,
            predicted_churn=churners,
            problem_count=rows.problem_count,
            problems=rows.problems(SHOWN),
            unseen=source.unseen(),
            scores_file=scores_file,
            problems_file=problems_file,
        )


class _Output:
    """Writes scored rows as CSV, separated and with the decimal sign of the file that was uploaded."""

    def __init__(
        self,
        file: BinaryIO,
        layout: Layout,
        passed_on: list[str],
        version: ChurnVersion,
        snapshot_date: date | None,
    ) -> None:
        self._layout, self._version, self._snapshot_date = layout, version, snapshot_date
        file.write(BOM if layout.has_bom else b"")
        texts = [pa.field(header, pa.string()) for header in passed_on]
        identity = [pa.field(ID, pa.int64())] if ID in layout.read else []
        moment = [] if snapshot_date is None else [pa.field("snapshot_date", pa.date32())]
        score = pa.field("score", pa.string() if layout.decimal_comma else pa.float64())
        said = [score, pa.field("prediction", pa.int8()), pa.field("model_version", pa.string())]
        self._schema = pa.schema([pa.field("row", pa.int64()), *identity, *texts, *moment, *said])
        self._writer = arrow_csv.CSVWriter(
            file, self._schema, write_options=arrow_csv.WriteOptions(delimiter=layout.delimiter)
        )

    def __enter__(self) -> "_Output":
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, rows: pa.Table, answers: pd.DataFrame) -> int:
        """Write the rows that have a score; return how many."""
        has_score = pa.array(answers["score"].notna())
        rows, scores = rows.filter(has_score), answers[answers["score"].notna()]
        score = pa.array(scores["score"])
        if self._layout.decimal_comma:
            score = pc.replace_substring(pc.cast(score, pa.string()), ".", ",")
        columns = [
            rows["line"],
            *([rows[ID]] if ID in self._layout.read else []),
            *(rows[f"passed_{place}"] for place in self._layout.passed_on.values()),
            *([] if self._snapshot_date is None else [pa.repeat(pa.scalar(self._snapshot_date), rows.num_rows)]),
            score,
            pa.array(scores["prediction"].astype(np.int8)),
            pa.repeat(self._version.version, rows.num_rows),
        ]
        self._writer.write_table(pa.table(columns, schema=self._schema))
        return int(rows.num_rows)
