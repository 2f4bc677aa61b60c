"""Hands jobs to a submitter one after the other, as users do who know nothing of an outage."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from emr_drill.clock import Clock
from emr_drill.jobs.plan import STREAM_EVERY_SECONDS, Job


class Stream:
    """A job at once and then every *seconds*, until there is none left.

    Args:
        clock: simulated time.
        jobs: the jobs, in order.
        add: takes each.
        seconds: simulated seconds between two.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        jobs: Sequence[Job],
        add: Callable[[Sequence[Job]], None],
        seconds: float = STREAM_EVERY_SECONDS,
    ) -> None:
        self._clock = clock
        self._jobs = list(jobs)
        self._add = add
        self._seconds = seconds
        self._stop = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stream", daemon=True)

    @property
    def over(self) -> bool:
        """Whether every job was handed over."""
        return self._over.is_set()

    def start(self) -> None:
        """Hand over the first job now."""
        self._thread.start()

    def finish(self) -> None:
        """Hand over no more: what they were for is over."""
        self._stop.set()
        self._over.set()

    def stop(self) -> None:
        """Hand over no more; nothing if it never began."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=20)

    def _run(self) -> None:
        began = self._clock.now()
        for number, job in enumerate(self._jobs):
            if self._clock.wait(self._stop, began + number * self._seconds - self._clock.now()):
                return
            self._add([job])
        self._over.set()
