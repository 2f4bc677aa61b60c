"""What a stock client believes of its job, from what happened to it.  Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from emr_drill.clients.kinds import Kind
from emr_drill.jobs.submitter import Progress, Try

SUCCESS, FAILURE, LOST, GONE = "success", "failure", "lost", "gone"
# Not of the drill's own submitter: a stock client gives up on a 5xx, a time-out, or a state that it does not know ...
DISTURBED = "disturbed"
# ... and ends its job itself, as a person who clears a task does, or Airflow at a task's time-out.
STOPPED = "stopped"
GIVEN_UP = frozenset({LOST, GONE, DISTURBED})
STATE_SUCCESS = "success"
# What Airflow says of a batch whose state it was told; "did not succeed with ..." tells of an exception instead.
ENDED_BADLY = re.compile(r"^Batch \d+ did not succeed\s*$")


@dataclass(slots=True, kw_only=True)
class StockTry(Try):
    """One POST and what came of it.

    Attributes:
        why: what ended it, for people.
        status: the HTTP status that its client saw last among those that are errors.
        state: the final state of the batch that its client was told.
        deletes: ids that its client sent a DELETE for.
    """

    why: str = ""
    status: int | None = None
    state: str = ""
    deletes: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class StockJob(Progress):
    """A job, who ran it, and what its client says in the end: ``success``, ``failed``; empty while it runs.

    Attributes:
        kind: who ran it.
        killed_after: machine seconds after which its client kills it.
        verdict: the client's last word on the whole job.
        refused: tries whose POST brought no job in.
        replayed: tries that posted nothing and took the last one's end for their own.
        retries: how many times the client tried again.
    """

    kind: Kind
    killed_after: int | None = None
    verdict: str = ""
    refused: int = 0
    replayed: int = 0
    retries: int = 0

    @property
    def finished(self) -> bool:
        """Whether its client has a last word on it."""
        return bool(self.verdict)

    @property
    def running(self) -> bool:
        """Whether a cluster runs it, as far as is known, and its client waits for it."""
        return not self.verdict and bool(self.tries) and bool(self.tries[-1].application) and not self.tries[-1].told


def hear(job: StockJob, event: Mapping[str, Any], at: float) -> bool | None:
    """Take in one event of a client.

    Args:
        job: whose.
        event: as a worker writes it.
        at: when, in seconds since 1970 on the drill's clock.

    Returns:
        Whether a POST brought the job in; ``None`` if the event is not about one.
    """
    number = int(event["try"])
    current = _current(job, number)
    match event["event"]:
        case "posted":
            name = f"{job.job.key}-try{number}"
            job.tries.append(StockTry(name=name, id=int(event["id"]), named={name}))
            return True
        case "refused":
            job.refused += 1
            return False
        case "deletes" if current is not None:
            current.deletes.append(int(event["id"]))
        case "terminated" if current is not None:
            current.state = str(event["state"])
        case "status" if current is not None:
            current.status, current.why = event["status"], str(event.get("error", ""))
        case "unclear" if current is not None:
            current.disturbed_polls += 1
        case "retry" | "try ended" | "ended":
            return _ended(job, current, event, at)
    return None


def _current(job: StockJob, number: int) -> StockTry | None:
    """The try with that number, if it posted something."""
    name = f"{job.job.key}-try{number}"
    found = next((one for one in job.tries if one.name == name), None)
    assert found is None or isinstance(found, StockTry)
    return found


def _ended(job: StockJob, current: StockTry | None, event: Mapping[str, Any], at: float) -> bool | None:
    state, refused = str(event.get("state", "failed")), None
    if current is not None and not current.told:
        current.why = str(event.get("error") or current.why)
        current.told, current.told_at = _word(job, current, state), at
    elif current is None and event["event"] == "try ended":
        if job.tries and job.kind.deferrable and not _could_not_submit(event):
            job.replayed += 1
        else:
            job.refused, refused = job.refused + 1, False
    if event["event"] == "retry" or state == "retry":
        job.retries += 1
    elif event["event"] == "ended":
        job.verdict = state
    return refused


def _could_not_submit(event: Mapping[str, Any]) -> bool:
    return "Could not submit" in str(event.get("error"))


def _word(job: StockJob, batch: StockTry, state: str) -> str:
    """What the client believes of one try, in the ledger's words."""
    if job.killed_after is not None and batch.deletes:
        return STOPPED
    if batch.state:
        return SUCCESS if batch.state == STATE_SUCCESS and state == "success" else _failed(batch)
    if ENDED_BADLY.search(batch.why):
        return FAILURE
    if state == "success":
        return SUCCESS
    if batch.status == 410:
        return LOST
    return GONE if batch.status == 404 or "not found" in batch.why else DISTURBED


def _failed(batch: StockTry) -> str:
    # Told success by the state, and failed nevertheless: a request after it (log, application id) was refused.
    return DISTURBED if batch.state == STATE_SUCCESS else FAILURE
