"""One clock for everything that the drill simulates.

Simulated time runs ``speed`` times faster than the machine's.  It starts at the machine's date, so that a date in a
record looks natural, and is a plain function of the machine's monotonic clock, so that every process of a drill that
was given the same three numbers reads the same time without asking anybody.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Simulated time, in seconds.

    Attributes:
        speed: simulated seconds for each second of the machine.
        machine_origin: the machine's monotonic clock when the drill began; the same in every process of one machine
            on Linux and macOS.
        origin: simulated time, in seconds since 1970, when the drill began.
    """

    speed: float
    machine_origin: float
    origin: float

    @classmethod
    def start(cls, *, speed: float) -> Self:
        """A clock that starts now.

        Raises:
            ValueError: *speed* is not above zero.
        """
        if speed <= 0:
            raise ValueError(f"speed must be above 0, got {speed}")
        return cls(speed=speed, machine_origin=time.monotonic(), origin=time.time())

    def now(self) -> float:
        """Simulated seconds since 1970."""
        return self.origin + self.elapsed()

    def elapsed(self) -> float:
        """Simulated seconds since the drill began."""
        return (time.monotonic() - self.machine_origin) * self.speed

    def machine_seconds(self, seconds: float) -> float:
        """How long *seconds* of simulated time take on the machine."""
        return seconds / self.speed

    def sleep(self, seconds: float) -> None:
        """Wait for *seconds* of simulated time."""
        time.sleep(max(0.0, self.machine_seconds(seconds)))

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for *event*, at most *seconds* of simulated time; whether it was set."""
        return event.wait(max(0.0, self.machine_seconds(seconds)))

    def to_json(self) -> str:
        """What another process needs to read the same time; see :meth:`from_json`."""
        return json.dumps({"speed": self.speed, "machine_origin": self.machine_origin, "origin": self.origin})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The clock that :meth:`to_json` described."""
        return cls(**json.loads(text))
