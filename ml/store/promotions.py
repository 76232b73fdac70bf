"""`ops.model_promotions`: decisions about production on record, and what they add up to."""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from ml.settings import settings

INSERT = """
insert into ops.model_promotions (
    action, challenger_version, champion_version, production_version, reason, who, why, reference_version, figures,
    evaluation_digest, heldout_rows,
    challenger_roc_auc, champion_roc_auc, challenger_log_loss, champion_log_loss, run_id
)
values (
    %(action)s, %(challenger_version)s, %(champion_version)s, %(production_version)s, %(reason)s, %(who)s, %(why)s,
    %(reference_version)s, %(figures)s, %(evaluation_digest)s, %(heldout_rows)s,
    %(challenger_roc_auc)s, %(champion_roc_auc)s, %(challenger_log_loss)s, %(champion_log_loss)s, %(run_id)s
)
returning promotion_id
"""
# Whether the same challenger was already turned down, on the same rows and for the same reason.
IS_ON_RECORD = """
select 1
from ops.model_promotions
where action = %(action)s and challenger_version = %(challenger_version)s
    and champion_version is not distinct from %(champion_version)s
    and evaluation_digest is not distinct from %(evaluation_digest)s and reason = %(reason)s
limit 1
"""
OPEN = """
select promotion_id, champion_version, production_version
from ops.model_promotions
where carried_out_at is null
order by promotion_id
"""
CLOSE = """
update ops.model_promotions
set carried_out_at = now(), is_overtaken = %(note)s <> '', reason = reason || %(note)s
where promotion_id = %(promotion_id)s
"""
IN_ORDER = """
select action, production_version, decided_at, who, why
from ops.model_promotions
where not is_overtaken
order by promotion_id
"""


@dataclass(frozen=True)
class Decision:
    """One row of ops.model_promotions, before it is carried out; the columns are described there."""

    action: str
    reason: str
    challenger_version: str | None
    champion_version: str | None
    production_version: str | None
    who: str
    why: str | None = None
    reference_version: str | None = None
    figures: dict[str, dict[str, float]] | None = None
    evaluation_digest: str | None = None
    heldout_rows: int | None = None
    challenger_roc_auc: float | None = None
    champion_roc_auc: float | None = None
    challenger_log_loss: float | None = None
    champion_log_loss: float | None = None

    @property
    def told(self) -> dict[str, Any]:
        """What the command prints of it."""
        return asdict(self)


@dataclass
class History:
    """What the decisions add up to.

    `stack`: versions in the order in which they came into production, the present one last; a rollback takes from it.
    `withdrawn`: when each version was rolled back from that has not been promoted since.
    `held`: since when, by whom and why promotions are on hold, or None.
    """

    stack: list[str] = field(default_factory=list)
    withdrawn: dict[str, datetime] = field(default_factory=dict)
    held: str | None = None

    @property
    def production(self) -> str | None:
        """The version in production, as far as is on record."""
        return self.stack[-1] if self.stack else None

    @property
    def standing(self) -> list[str]:
        """Versions that were ever in production and are not withdrawn, the present one last."""
        newest_first = dict.fromkeys(version for version in reversed(self.stack) if version not in self.withdrawn)
        return list(newest_first)[::-1]

    def push(self, version: str) -> None:
        """`version` came into production."""
        self.stack.append(version)
        self.withdrawn.pop(version, None)

    def go_back_to(self, version: str, at: datetime) -> None:
        """Production returned to `version`: what came after it is withdrawn."""
        while self.stack and self.stack[-1] != version:
            self.withdrawn[self.stack.pop()] = at
        if not self.stack:
            self.push(version)


def history(conn: psycopg.Connection) -> History:
    """Add up the decisions on record, oldest first."""
    found = History()
    for action, version, at, who, why in conn.execute(IN_ORDER).fetchall():
        if action == "hold":
            found.held = f"held since {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC by {who}, because: {why}"
        elif action == "unhold":
            found.held = None
        elif action == "rollback" or (action == "by_hand" and version in found.standing):
            found.go_back_to(version, at)
        elif action in ("promote", "by_hand"):
            found.push(version)
    return found


def is_on_record(conn: psycopg.Connection, decision: Decision) -> bool:
    """Whether this version was turned down before, on the same rows and for the same reason."""
    return conn.execute(IS_ON_RECORD, _row(decision)).fetchone() is not None


def record(conn: psycopg.Connection, decision: Decision) -> int:
    """Insert a decision that is not carried out yet, and return its promotion_id."""
    ((promotion_id,),) = conn.execute(INSERT, _row(decision)).fetchall()
    return int(promotion_id)


def not_carried_out(conn: psycopg.Connection) -> list[tuple[int, str | None, str]]:
    """promotion_id, version in production before, and version wanted, of what a killed run has left; oldest first."""
    return conn.execute(OPEN).fetchall()


def close(conn: psycopg.Connection, promotion_id: int, note: str = "") -> None:
    """Mark a decision as carried out; with a `note`, as overtaken, which is added to its reason."""
    conn.execute(CLOSE, {"promotion_id": promotion_id, "note": note})


def _row(decision: Decision) -> dict[str, Any]:
    figures = None if decision.figures is None else Jsonb(decision.figures)
    return {**asdict(decision), "figures": figures, "run_id": settings().pipeline_run_id}
