"""Jobs that went down with their cluster, and whether a person could know it before their clients did."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emr_drill.jobs.submitter import Progress, Try


@dataclass(frozen=True, slots=True, kw_only=True)
class LostJob:
    """One run of a job that went down.

    Attributes:
        name: unique name of its batch.
        overlong: whether it was made to run for longer than any drain limit.
        named: whether a message named its batch or its application before its client was told.
        answered: what its client was told last: ``lost`` is a 410.
    """

    name: str
    overlong: bool
    named: bool
    answered: str = "lost"


def lost_jobs(jobs: Iterable[Progress], names: Collection[str], journal: Sequence[Mapping[str, Any]]) -> list[LostJob]:
    """The runs called *names*, and what the messages in *journal* say of them."""
    messages = [
        (float(entry["at"]), str(entry.get("message", ""))) for entry in journal if entry.get("kind") == "notification"
    ]
    return [
        LostJob(
            name=one.name,
            overlong=progress.job.again is not None and one is progress.tries[0],
            named=any(at <= one.told_at and _names(message, one) for at, message in messages),
            answered=one.told,
        )
        for progress in jobs
        for one in progress.tries
        if one.name in names
    ]


def _names(message: str, one: Try) -> bool:
    return any(re.search(rf"\b{re.escape(str(word))}\b", message) for word in (one.id, one.application) if word)
