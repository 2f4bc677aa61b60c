"""systemctl on a primary does what systemd documents, with a process that may be frozen (A12)."""

from __future__ import annotations

import signal

import pytest

from emr_drill.primary.systemd import Unit, signal_of


class Process:
    """A process that obeys the signals that it is told to."""

    def __init__(self, *, ends_by: frozenset[signal.Signals] = frozenset({signal.SIGTERM, signal.SIGKILL})) -> None:
        self.got: list[str] = []
        self._ends_by = ends_by
        self._alive = True

    def alive(self) -> bool:
        return self._alive

    def start(self) -> None:
        self.got.append("start")
        self._alive = True

    def send(self, number: signal.Signals) -> None:
        self.got.append(number.name)
        self._alive = self._alive and number not in self._ends_by

    def ended(self, seconds: float) -> bool:
        return not self._alive


def unit(process: Process) -> Unit:
    return Unit(process, stop_seconds=1)


def test_a_stop_sends_the_signal_to_end_and_at_once_the_one_to_continue() -> None:
    process = Process()

    assert unit(process).systemctl(["stop", "livy-server"]) == (0, "")
    assert process.got == ["SIGTERM", "SIGCONT"]


def test_what_does_not_end_is_killed_after_the_time_out() -> None:
    process = Process(ends_by=frozenset({signal.SIGKILL}))

    unit(process).systemctl(["restart", "livy-server.service"])

    assert process.got == ["SIGTERM", "SIGCONT", "SIGKILL", "start"]


def test_a_restart_of_what_is_dead_starts_it() -> None:
    process = Process()
    process.send(signal.SIGKILL)

    unit(process).systemctl(["restart", "livy-server"])

    assert process.got == ["SIGKILL", "start"]


def test_a_start_of_what_runs_does_nothing() -> None:
    process = Process()

    assert unit(process).systemctl(["start", "livy-server"]) == (0, "")
    assert process.got == []


@pytest.mark.parametrize(
    "options",
    [
        ["--signal=SIGKILL"],
        ["--signal", "KILL"],
        ["-s", "KILL"],
        ["-sKILL"],
        ["-s", "9"],
        ["--quiet", "--kill-whom=all", "--signal=KILL"],
        ["--kill-who", "main", "-s", "SIGKILL"],
    ],
)
def test_a_kill_sends_the_signal_that_is_named(options: list[str]) -> None:
    process = Process()

    assert unit(process).systemctl(["kill", *options, "livy-server"]) == (0, "")
    assert process.got == ["SIGKILL"]


def test_a_kill_without_a_signal_sends_the_one_to_end() -> None:
    process = Process()

    unit(process).systemctl(["kill", "livy-server"])

    assert process.got == ["SIGTERM"]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["kill", "--signal=NONE", "livy-server"], 1, "signal string NONE"),
        (["kill", "--kill-whom=nobody", "livy-server"], 1, "nobody"),
        (["stop", "other"], 5, "Unit other could not be found"),
        (["stop"], 5, "(none)"),
        (["mask", "livy-server"], 1, "mask"),
    ],
)
def test_what_systemd_refuses_is_refused(arguments: list[str], code: int, text: str) -> None:
    process = Process()

    exit_code, output = unit(process).systemctl(arguments)

    assert (exit_code, text in output, process.got) == (code, True, [])


@pytest.mark.parametrize("verb", ["is-active", "status"])
def test_what_exists_is_active(verb: str) -> None:
    process = Process()

    assert unit(process).systemctl([verb, "livy-server"]) == (0, "active\n")
    process.send(signal.SIGKILL)
    assert unit(process).systemctl([verb, "livy-server"]) == (3, "inactive\n")


def test_a_counter_of_failed_starts_can_be_reset() -> None:
    assert unit(Process()).systemctl(["reset-failed", "livy-server"]) == (0, "")


@pytest.mark.parametrize(
    ("text", "number"), [("SIGKILL", signal.SIGKILL), ("TERM", signal.SIGTERM), ("9", signal.SIGKILL), ("999", None)]
)
def test_a_signal_is_read_as_systemctl_reads_it(text: str, number: signal.Signals | None) -> None:
    assert signal_of(text) is number
