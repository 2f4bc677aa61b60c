"""What a person sees while a drill runs: one line for each thing that happens, and a footer that moves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from emr_drill.clock import Clock
from emr_drill.jobs.source import JobSource
from emr_drill.observe import Deployment, request_of

LOOK_SECONDS = 0.5  # machine time
COLORS = {
    "drill": "bold",
    "stack": "dim",
    "cluster": "cyan",
    "controller": "green",
    "notice": "magenta",
    "prober": "yellow",
    "fault": "red",
}


class Progress:
    """Prints lines; on a terminal also keeps a footer with the jobs and the clusters.

    Use as a context manager.  Lines go to standard error, so that ``--json -`` leaves standard output to the report.
    """

    def __init__(self, *, console: Console, clock: Clock, quiet: bool = False) -> None:
        self._console = console
        self._clock = clock
        self._quiet = quiet
        self._live = Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None
        self._watchers: list[Callable[[], None]] = []
        self._footer: Callable[[], Text] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, name="progress", daemon=True)

    def __enter__(self) -> Self:
        if self._live is not None and not self._quiet:
            self._live.start()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=10)
        if self._live is not None:
            self._live.stop()

    def line(self, who: str, text: str) -> None:
        """One thing that happened: *who* is a word of :data:`COLORS`."""
        if self._quiet:
            return
        row = Table.grid(padding=(0, 1))
        row.add_column(width=8, justify="right", style="dim")
        row.add_column(width=10, style=COLORS.get(who, ""))
        row.add_column(overflow="fold")
        row.add_row(f"+{self._clock.elapsed():.0f} s", who, Text(text))
        self._console.print(row)

    def watch(self, look: Callable[[], None]) -> None:
        """Call *look* again and again until the end; it prints lines by itself."""
        self._watchers.append(look)

    def footer(self, text: Callable[[], Text]) -> None:
        """What the footer shows."""
        self._footer = text

    def _look(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            for look in self._watchers:
                try:
                    look()
                except Exception as error:  # noqa: BLE001 - a watcher must never end the drill; say so and go on
                    self.line("drill", f"(cannot look: {type(error).__name__}: {error})")
            if self._live is not None and self._footer is not None and not self._quiet:
                self._live.update(self._footer())


class Story:
    """Turns changes into lines: each subject's new status once."""

    def __init__(self, *, progress: Progress) -> None:
        self._progress = progress
        self._seen: dict[tuple[str, str], str] = {}

    def clusters(self, clusters: Sequence[tuple[str, str, str, str | None, str]]) -> None:
        """Lines about clusters: id, name, AZ, address, state."""
        for cluster_id, name, zone, address, state in clusters:
            where = f"{zone}, {address}" if address else zone
            self._tell("cluster", cluster_id, state, f"{name} ({cluster_id}, {where}): {state}")

    def notices(self, journal: Sequence[Mapping[str, Any]]) -> None:
        """Lines about what was sent to the people on call."""
        for number, entry in enumerate(list(journal)):
            if entry.get("kind") == "notification":
                self._tell("notice", str(number), "sent", str(entry["subject"]))

    def record(self, deployment: Deployment) -> None:
        """Lines about operations, retirements, incarnations and what probers see of them."""
        for item in deployment.records("operation"):
            request = request_of(item)
            entered = item.get("entered") or {}
            step = max(entered, key=lambda name: entered[name], default="")
            status = str(item.get("outcome") or step)
            if "retirement" in request:
                subject = f"retirement of generation {request.get('generation') or 'all'}"
            else:
                subject = f"{request.get('kind')} of {item.get('managed_cluster')} ({request.get('reason')})"
            message = str(item.get("message") or "")
            text = f"{subject}: {status}" + (f".  {message}" if message and item.get("outcome") else "")
            if status:
                self._tell("controller", str(item["id"]), status, text)
        for item in deployment.incarnations():
            name = f"generation {item['generation']} in {item['availability_zone']}"
            self._tell("controller", f"incarnation {item['id']}", str(item["state"]), f"{name}: {item['state']}")
            if item["state"] in ("verifying", "serving"):
                self._evidence(deployment, int(item["generation"]))

    def _evidence(self, deployment: Deployment, generation: int) -> None:
        newest = {item["observer"]: item for item in deployment.evidence(generation)}
        for observer, item in newest.items():
            sick = {name: one["detail"] for name, one in item["services"].items() if one["verdict"] != "healthy"}
            status = ", ".join(sorted(sick))
            text = "; ".join(f"{name} {detail}" for name, detail in sick.items()) or "all services healthy"
            self._tell(
                "prober", f"{observer} {generation}", status, f"{observer} on generation {generation}: {text[:160]}"
            )

    def _tell(self, who: str, subject: str, status: str, text: str) -> None:
        if self._seen.get((who, subject)) != status:
            self._seen[who, subject] = status
            self._progress.line(who, text)


def job_footer(submitter: JobSource, clock: Clock) -> Text:
    """The footer's text."""
    finished = sum(progress.finished for progress in list(submitter.jobs))
    refused = sum(not one.accepted for one in list(submitter.submissions))
    return Text(
        f"+{clock.elapsed():.0f} s   jobs: {len(submitter.jobs)} asked for, {submitter.waiting} waiting for the front "
        f"door, {submitter.running} running, {finished} ended; {refused} submits refused so far",
        style="bold",
    )
