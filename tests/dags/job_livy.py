"""A Livy whose batches carry out the job of the data set, as far as it has nothing to do with Spark."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.drill.clients.livy_server import LivyServer

from .files import job

LOST_BEFORE, LOST_AFTER, DOUBLED, WELL = "2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04"
"""Days, and what becomes of the first of their jobs: its cluster dies before it commits, or after; it goes on while its
successor runs, and commits when that has; or nothing does."""

CLEARED, IN_S3 = "2026-11-05", "2026-11-06"
"""Days whose totals were there long before, one of them in S3."""

ROWS = 7


class JobLivy(LivyServer):
    """Each batch does its work when its state is asked for first; the data set lies in *folder*.

    ``arguments`` has those of each batch, in the order of the submits.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.arguments: list[list[str]] = []
        self._told: dict[int, Iterator[str | int]] = {}
        self._last: dict[int, str | int] = {}
        self._waiting: dict[str, Iterator[None]] = {}

    def next(self, number: int) -> str | int:
        if number not in self._told:
            self._told[number] = self._story(number, [str(each) for each in self.batches[number]["args"]])
        self._last[number] = next(self._told[number], self._last.get(number, "success"))
        return self._last[number]

    def _story(self, number: int, arguments: list[str]) -> Iterator[str | int]:
        self.arguments.append(arguments)
        yield "running"
        if IN_S3 in arguments:  # where it finds the marker
            yield "success"
            return
        parser = argparse.ArgumentParser()
        for option in ("--output", "--date", "--attempt"):
            parser.add_argument(option)
        parser.add_argument("--sample", action="store_true")
        given = parser.parse_args(arguments)
        if given.sample:
            yield "success"
            return
        first = not (self.folder / f"date={given.date}").exists()
        work = self._work(given, number)
        next(work)  # it has written
        if first and given.date == DOUBLED:
            self._waiting[given.date] = work
            yield 410
            return
        if not (first and given.date == LOST_BEFORE):
            next(work, None)  # it has committed, or found another's commit
        if given.date in self._waiting:
            next(self._waiting.pop(given.date), None)
        yield 410 if first and given.date in (LOST_BEFORE, LOST_AFTER) else "success"

    def _work(self, given: Any, number: int) -> Iterator[None]:
        """What the driver does, up to its commit and after it."""
        module = job()
        day = module.Day(output=given.output, date=given.date)
        markers = module.FileMarkers()
        run = module.run_name(given.attempt, f"application_1_{number}")
        if module.committed(markers, day) is not None:
            yield
            return
        path = Path(day.path(run).removeprefix("file://"))
        path.mkdir(parents=True)
        (path / "part-0.parquet").write_text(str(number))
        # It found no marker when it began; what it finds now is what matters.
        yield
        module.commit(markers, day, module.Committed(run=run, rows=ROWS))
