"""What runs the jobs of a drill, as the drill sees it: its own submitter, or clients that nobody here wrote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from emr_drill.jobs.plan import Job
from emr_drill.jobs.submitter import Progress, Submission


class JobSource(Protocol):
    """Takes jobs and runs them through the front door."""

    @property
    def jobs(self) -> Sequence[Progress]:
        """Every job that was handed over."""
        ...

    @property
    def submissions(self) -> Sequence[Submission]:
        """Every POST, in order."""
        ...

    @property
    def waiting(self) -> int:
        """How many jobs stand in line."""
        ...

    @property
    def running(self) -> int:
        """How many jobs have an application and no last word."""
        ...

    @property
    def open_polls(self) -> int:
        """How many clients ask for their job."""
        ...

    def start(self) -> None:
        """Begin to take jobs."""

    def add(self, jobs: Iterable[Job]) -> None:
        """Put *jobs* at the end of the line."""

    def idle(self) -> bool:
        """Whether every job has a last word."""
        ...

    def stop(self) -> None:
        """Stop; what has no last word stays so."""
