"""Jobs, tries, batches and lines of the ledger, as tests of stock clients want them."""

from __future__ import annotations

from typing import Any

from emr_drill.clients.kinds import KINDS, Kind
from emr_drill.clients.listing import Batch
from emr_drill.clients.story import StockJob, hear
from emr_drill.jobs.ledger import Entry
from emr_drill.jobs.plan import Job

SYNC, DEFERRED, OTHER, _, PYTHON, CURL = KINDS
A, B = "dep-a-g1", "dep-b-g2"


def stock(key: str = "k", *, fails: bool = False, kind: Kind = SYNC, killed: int | None = None) -> StockJob:
    return StockJob(job=Job(key=key, seconds=10, fails=fails, keeps_connection=False), kind=kind, killed_after=killed)


def told(job: StockJob, *events: tuple[Any, ...], at: float = 100.0) -> StockJob:
    """*job* after events: name, number of the try, and what belongs to it."""
    values = {"posted": "id", "deletes": "id", "terminated": "state", "status": "status", "try ended": "state"}
    for name, number, word, *error in events:
        event = {"job": job.job.key, "event": name, "try": number, values.get(name, "state"): word}
        hear(job, {**event, "error": error[0] if error else ""}, at)
    return job


def on(cluster: str, number: int, name: str = "k-try1", *, missed: int = 0) -> Batch:
    return Batch(cluster=cluster, id=number, name=name, application=f"app-{cluster}-{number}", missed=missed)


def wrote(batch: Batch, event: str = "effect", at: float = 90.0) -> Entry:
    key = batch.name.rpartition("-try")[0]
    return Entry(job=key, incarnation=batch.cluster, application=batch.application, at=at, event=event)
