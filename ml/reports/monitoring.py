"""What the page Monitoring reads: findings, what scores came to, drift by week, rejects, how fresh everything is."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

import psycopg
from psycopg.rows import class_row

Record = TypeVar("Record")

REJECTS_READ = 20_000  # of one load, by which its reasons are counted; the number of its rejects is on record
REASONS_SHOWN = 50

SNAPSHOTS = """
select
    snapshot_date, min(model_version) as model_version, max(monitored_at) as monitored_at,
    count(*) filter (where state = 'alert') as alerts, count(*) filter (where state = 'warn') as warnings,
    count(*) as checks
from ops.monitoring
group by snapshot_date
order by snapshot_date desc
"""
FINDINGS = """
select
    check_name, subject, value, warn_above, alert_above, state, detail, what_to_do, value / alert_above as of_limit
from ops.monitoring
where snapshot_date = %(snapshot_date)s
order by of_limit desc, check_name, subject
"""
# A snapshot that several versions scored is shown once, as it was measured last.
REALIZED = """
with figures as (
    select
        snapshot_dates[1] as snapshot_date, model_version, rows_measured, churners, max(measured_at) as measured_at,
        max(value) filter (where metric = 'calibration') as calibration,
        max(low) filter (where metric = 'calibration') as calibration_low,
        max(high) filter (where metric = 'calibration') as calibration_high,
        max(value) filter (where metric = 'roc_auc') as roc_auc,
        max(low) filter (where metric = 'roc_auc') as roc_auc_low,
        max(high) filter (where metric = 'roc_auc') as roc_auc_high
    from ops.model_metrics
    where kind = 'realized' and slice = 'all'
    group by snapshot_dates, model_version, rows_measured, churners
),
in_time as (
    select model_version, value
    from ops.model_metrics
    where kind = 'in_time' and slice = 'all' and metric = 'roc_auc'
),
latest as (
    select distinct on (snapshot_date) figures.*, in_time.value as roc_auc_in_time
    from figures
    left join in_time using (model_version)
    order by snapshot_date, measured_at desc
)
select * from latest where snapshot_date <= %(until)s order by snapshot_date desc limit %(weeks)s
"""
DRIFT = """
select snapshot_date, check_name, subject, value, warn_above, alert_above, state, detail, model_version
from ops.monitoring
where check_name in ('drift', 'share unknown') and snapshot_date in (
    select distinct snapshot_date
    from ops.monitoring
    where snapshot_date <= %(until)s
    order by snapshot_date desc
    limit %(weeks)s
)
order by snapshot_date, check_name, subject
"""
# What a person has not corrected yet of the last load of each file: rejects of older loads do not matter any more.
LOADS = """
select distinct on (table_name)
    load_id, file_name, status, coalesce(rows_in_file, 0) as rows_in_file, coalesce(rows_loaded, 0) as rows_loaded,
    coalesce(rows_rejected, 0) as rows_rejected, coalesce(message, '') as message, loaded_at
from ops.raw_loads
where status in ('loaded', 'refused')
order by table_name, load_id desc
"""
# A reason names the value: values in quotes and numbers are left out, so that rows with the same fault count together.
REASONS = """
select file_name, reason, count(*) as rows, min(line_number) as first_line
from (
    select
        load.file_name, reject.line_number,
        regexp_replace(regexp_replace(reject.reason, '''[^'']*''', '''…''', 'g'), '\\m[0-9]+\\M', '…', 'g') as reason
    from unnest(%(load_ids)s::bigint[], %(file_names)s::text[]) as load (load_id, file_name)
    cross join lateral (
        select line_number, reason
        from ops.raw_rejects
        where raw_rejects.load_id = load.load_id and replayed_load_id is null
        limit %(rejects_read)s
    ) as reject
) as open
group by file_name, reason
order by rows desc, file_name, reason
limit %(reasons_shown)s
"""
FRESHNESS = """
select
    (select payments_known_through from ops.current_data) as payments_known_through,
    build.snapshot_date as built_snapshot, build.built_at,
    run.snapshot_date as scored_snapshot, run.model_version as scored_by, run.scored_at,
    training.model_version as trained_version, training.newest_snapshot as trained_until,
    training.measured_at as trained_at,
    watch.snapshot_date as monitored_snapshot, watch.monitored_at
from (select 1) as one
left join lateral (
    select snapshot_date, built_at from ops.current_feature_builds order by snapshot_date desc limit 1
) as build on true
left join lateral (
    select snapshot_date, model_version, scored_at from ops.scoring_runs
    where replaced_at is null order by snapshot_date desc limit 1
) as run on true
left join lateral (
    select model_version, snapshot_dates[cardinality(snapshot_dates)] as newest_snapshot, measured_at
    from ops.model_metrics where kind = 'in_time' and slice = 'all' order by measured_at desc, metric_id desc limit 1
) as training on true
left join lateral (
    select snapshot_date, monitored_at from ops.monitoring order by snapshot_date desc limit 1
) as watch on true
"""
WEEKS = """
select
    snapshot_date, build.rows_built, build.rows_inactive_60d, build.built_at,
    run.model_version, run.rows_scored, run.mean_score, run.predicted_churn, run.state as scoring_state, run.scored_at,
    watch.alerts, watch.monitored_at
from ops.current_feature_builds as build
full join (select * from ops.scoring_runs where replaced_at is null) as run using (snapshot_date)
full join (
    select snapshot_date, count(*) filter (where state = 'alert') as alerts, max(monitored_at) as monitored_at
    from ops.monitoring
    group by snapshot_date
) as watch using (snapshot_date)
where snapshot_date <= %(until)s
order by snapshot_date desc
limit %(weeks)s
"""


@dataclass(frozen=True)
class Monitored:
    """A snapshot that was monitored; `model_version` scored it (None: no scores), `checks` counts all findings."""

    snapshot_date: date
    model_version: str | None
    monitored_at: datetime
    alerts: int
    warnings: int
    checks: int


@dataclass(frozen=True)
class Found:
    """A row of `ops.monitoring`; `of_limit`: how many times the limit of an alert the value is."""

    check_name: str
    subject: str
    value: float
    warn_above: float
    alert_above: float
    state: str
    detail: str
    what_to_do: str
    of_limit: float


@dataclass(frozen=True)
class Realized:
    """What the scores of a closed snapshot came to, with 95 % intervals; a figure is None where it is not measurable.

    `calibration`: mean score - share that churned; `roc_auc_in_time`: of the version, on its held-out customers.
    """

    snapshot_date: date
    model_version: str
    rows_measured: int
    churners: int
    measured_at: datetime
    calibration: float | None
    calibration_low: float | None
    calibration_high: float | None
    roc_auc: float | None
    roc_auc_low: float | None
    roc_auc_high: float | None
    roc_auc_in_time: float | None

    @property
    def churned(self) -> float:
        """Share that churned, 0 to 1."""
        return self.churners / self.rows_measured

    @property
    def mean_score(self) -> float | None:
        """Mean probability, 0 to 1."""
        return None if self.calibration is None else self.churned + self.calibration


@dataclass(frozen=True)
class Drifted:
    """The stability index (`check_name` drift) or the difference of the share unknown of a feature, or of the score."""

    snapshot_date: date
    check_name: str
    subject: str
    value: float
    warn_above: float
    alert_above: float
    state: str
    detail: str
    model_version: str | None

    @property
    def is_compared(self) -> bool:
        """Whether the two distributions were comparable; `detail` says why not."""
        return not self.detail.startswith("not compared")


@dataclass(frozen=True)
class Loaded:
    """The last load of a file that was not skipped as unchanged; `status` is loaded or refused."""

    load_id: int
    file_name: str
    status: str
    rows_in_file: int
    rows_loaded: int
    rows_rejected: int
    message: str
    loaded_at: datetime


@dataclass(frozen=True)
class Rejected:
    """Open rejects of the last load of a file by reason, without the values that the reasons name."""

    file_name: str
    reason: str
    rows: int
    first_line: int


@dataclass(frozen=True)
class Freshness:
    """The newest of everything; None where there is none. Times are of the server, `trained_until` is a snapshot."""

    payments_known_through: date | None
    built_snapshot: date | None
    built_at: datetime | None
    scored_snapshot: date | None
    scored_by: str | None
    scored_at: datetime | None
    trained_version: str | None
    trained_until: date | None
    trained_at: datetime | None
    monitored_snapshot: date | None
    monitored_at: datetime | None


@dataclass(frozen=True)
class Week:
    """What was done for a snapshot: built, scored, monitored; None for what was not."""

    snapshot_date: date
    rows_built: int | None
    rows_inactive_60d: int | None
    built_at: datetime | None
    model_version: str | None
    rows_scored: int | None
    mean_score: float | None
    predicted_churn: int | None
    scoring_state: str | None
    scored_at: datetime | None
    alerts: int | None
    monitored_at: datetime | None


def snapshots(conn: psycopg.Connection) -> list[Monitored]:
    """The monitored snapshots, newest first."""
    return _all(conn, Monitored, SNAPSHOTS)


def findings(conn: psycopg.Connection, snapshot_date: date) -> list[Found]:
    """Everything that was looked at for a snapshot, the worst first."""
    return _all(conn, Found, FINDINGS, snapshot_date=snapshot_date)


def realized(conn: psycopg.Connection, until: date, weeks: int) -> list[Realized]:
    """The newest closed and scored snapshots up to `until`, oldest first."""
    return _all(conn, Realized, REALIZED, until=until, weeks=weeks)[::-1]


def drift(conn: psycopg.Connection, until: date, weeks: int) -> list[Drifted]:
    """Drift and share unknown of each feature at the newest monitored snapshots up to `until`, oldest first."""
    return _all(conn, Drifted, DRIFT, until=until, weeks=weeks)


def loads(conn: psycopg.Connection) -> list[Loaded]:
    """The last load of each file."""
    return _all(conn, Loaded, LOADS)


def rejects(conn: psycopg.Connection, last: list[Loaded]) -> list[Rejected]:
    """Open rejects of the `last` loads, most rows first: at most REASONS_SHOWN, of REJECTS_READ of a load."""
    names = {each.load_id: each.file_name for each in last if each.rows_rejected}
    limits = {"rejects_read": REJECTS_READ, "reasons_shown": REASONS_SHOWN}
    return _all(conn, Rejected, REASONS, load_ids=list(names), file_names=list(names.values()), **limits)


def freshness(conn: psycopg.Connection) -> Freshness:
    """How far data are known, and the newest snapshot, scores, training and monitoring."""
    (found,) = _all(conn, Freshness, FRESHNESS)
    return found


def weeks(conn: psycopg.Connection, until: date, number: int) -> list[Week]:
    """What was done for the newest snapshots up to `until`, newest first."""
    return _all(conn, Week, WEEKS, until=until, weeks=number)


def _all(conn: psycopg.Connection, kind: type[Record], statement: str, **parameters: object) -> list[Record]:
    return conn.cursor(row_factory=class_row(kind)).execute(statement, parameters).fetchall()
