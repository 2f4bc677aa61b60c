"""``systemctl`` as far as scripts on a primary use it: one unit, Livy's, whose process somebody else starts.

A frozen process (SIGSTOP) is ``active``: systemd looks at whether it exists.  Stopping sends SIGTERM and right after it
SIGCONT, so that a frozen process can end in order, and SIGKILL when the time-out for stopping is over (``KillSignal=``
and ``SendSIGKILL=`` in systemd.kill(5), ``TimeoutStopSec=`` in systemd.service(5)).
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Protocol

UNITS = ("livy-server", "livy-server.service")
# Machine seconds within which a killed process is gone for certain.
KILLED_SECONDS = 30.0
NO_SUCH_UNIT, NOT_ACTIVE, WRONG_USE = 5, 3, 1
_OPTIONS_WITH_VALUE = {"-s": "signal", "--signal": "signal", "--kill-who": "who", "--kill-whom": "who"}
# What a unit has beside its main process: nothing here, so that each of these means the same.
_WHOM = ("", "main", "control", "all")


class Process(Protocol):
    """The unit's one process."""

    def alive(self) -> bool:
        """Whether it exists, frozen or not."""
        ...

    def start(self) -> None:
        """Start it and return when it answers.  Raises RuntimeError with the log's end if it does not."""
        ...

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing if it does not exist."""
        ...

    def ended(self, seconds: float) -> bool:
        """Wait for its end, at most *seconds* of machine time; whether it came."""
        ...


class Unit:
    """Livy's unit.

    Args:
        process: what the unit runs.
        stop_seconds: time-out for stopping, in machine seconds.
    """

    def __init__(self, process: Process, *, stop_seconds: float) -> None:
        self._process = process
        self._stop_seconds = stop_seconds

    def systemctl(self, arguments: Sequence[str], _given: str = "") -> tuple[int, str]:
        """Exit code and output of ``systemctl ARGUMENTS``.

        Raises:
            RuntimeError: the process does not start.
        """
        words, options = _parsed(arguments)
        if len(words) != 2 or words[1] not in UNITS:
            return NO_SUCH_UNIT, f"Unit {' '.join(words[1:]) or '(none)'} could not be found.\n"
        match words[0]:
            case "stop":
                self.stop()
            case "start":
                if not self._process.alive():
                    self._process.start()
            case "restart":
                self.stop()
                self._process.start()
            case "kill":
                return self._kill(options)
            case "reset-failed":
                pass  # a unit of ours never waits after too many starts
            case "is-active" | "status":
                return (0, "active\n") if self._process.alive() else (NOT_ACTIVE, "inactive\n")
            case other:
                return WRONG_USE, f"Unknown command verb {other}.\n"
        return 0, ""

    def stop(self) -> None:
        """End the process as ``systemctl stop`` does, and wait for it."""
        if not self._process.alive():
            return
        self._process.send(signal.SIGTERM)
        self._process.send(signal.SIGCONT)
        if not self._process.ended(self._stop_seconds):
            self._process.send(signal.SIGKILL)
            self._process.ended(KILLED_SECONDS)

    def _kill(self, options: dict[str, str]) -> tuple[int, str]:
        """Send a signal and do not wait, as ``systemctl kill`` does; a unit without a process is no error."""
        name = options.get("signal", "SIGTERM")
        if options.get("who", "") not in _WHOM:
            return WRONG_USE, f"Failed to kill unit: invalid --kill-whom= argument: {options['who']}\n"
        number = signal_of(name)
        if number is None:
            return WRONG_USE, f"Failed to parse signal string {name}.\n"
        self._process.send(number)
        if number is signal.SIGKILL:
            self._process.ended(KILLED_SECONDS)  # its port is free when the next command runs
        return 0, ""


def signal_of(text: str) -> signal.Signals | None:
    """The signal that *text* names, as systemctl reads it: ``SIGKILL``, ``KILL`` or ``9``; None for anything else."""
    try:
        if text.isdigit():
            return signal.Signals(int(text))
        return signal.Signals[text if text.startswith("SIG") else f"SIG{text}"]
    except (KeyError, ValueError):
        return None


def _parsed(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Verb and units, and the options that matter by their names; other options change nothing here."""
    words: list[str] = []
    options: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        one = rest.pop(0)
        name, equals, value = one.partition("=")
        if name in _OPTIONS_WITH_VALUE:
            options[_OPTIONS_WITH_VALUE[name]] = value if equals else (rest.pop(0) if rest else "")
        elif one.startswith("-s") and len(one) > 2 and not one.startswith("--"):
            options["signal"] = one[2:]
        elif not one.startswith("-"):
            words.append(one)
    return words, options
