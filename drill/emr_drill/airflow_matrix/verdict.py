"""What became of one run: what the job did, what its task says, and whether the two agree.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from emr_drill.airflow_matrix.cases import Request
from emr_drill.airflow_matrix.lines import Seen
from emr_drill.airflow_matrix.outcomes import Outcome
from emr_drill.jobs.ledger import EFFECT, Entry

# A line of the ledger is written before Livy can say so; clocks of two processes read the same.
SLACK_SECONDS = 1.0
SUCCESS, FAILED, NOTHING = "success", "failed", ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A task's last word: ``success`` or ``failed``, empty if there is none; and when, on the drill's clock."""

    state: str = NOTHING
    at: float = 0.0


def outcome(said: Said, entries: Sequence[Entry], *, killed: bool) -> Outcome:
    """Compare.

    Args:
        said: by the task.
        entries: of the ledger, those of its job.
        killed: whether the task was killed on purpose.
    """
    effects = [entry for entry in entries if entry.event == EFFECT]
    if len(effects) > 1:
        return Outcome.DOUBLED
    if said.state == NOTHING:
        return Outcome.SILENT
    if killed:
        return Outcome.WRONG if effects or said.state == SUCCESS else Outcome.RIGHT
    if said.state == SUCCESS:
        return Outcome.RIGHT if effects and effects[0].at <= said.at + SLACK_SECONDS else Outcome.WRONG
    return Outcome.DISTURBED if effects else Outcome.LOST_AND_SAID


def strangers(key: str, seen: Sequence[Seen], owners: Mapping[int, str]) -> list[int]:
    """Ids of others' batches that a client sent a DELETE for, whatever came of it.

    Who asks for another's batch to be deleted is wrong already; that it was gone, or that nobody answered, is chance.

    Args:
        key: of the client's job.
        seen: its requests.
        owners: id of a batch -> key of the job that got it.
    """
    return [
        one.batch
        for one in seen
        if one.request is Request.DELETE and one.batch is not None and owners.get(one.batch, key) != key
    ]
