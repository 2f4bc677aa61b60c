"""How often and how late what AWS delivers at least once is delivered.

Events of EventBridge, firings of schedules and asynchronous invocations of functions may come twice, and late
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html); in a drill they do when it says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from emr_drill.clock import Clock


class Deliveries:
    """Decides about each delivery, and makes it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._twice = False
        self._between = 0.0
        self._late = 0.0

    def double(self, on: bool = True, *, late: float = 0.0) -> None:
        """Deliver everything twice from now on, or once again.

        Args:
            on: whether twice.
            late: how much later the second one comes, simulated seconds.
        """
        self._between, self._twice = late, on

    def delay(self, seconds: float) -> None:
        """Deliver everything so many simulated seconds late from now on; 0 ends it."""
        self._late = seconds

    def moments(self) -> tuple[float, ...]:
        """After how many simulated seconds something that was sent now is delivered, each time."""
        return (self._late, self._late + self._between) if self._twice else (self._late,)

    def deliver(self, work: Callable[[], None], *, name: str) -> None:
        """Do *work* in a thread of its own for each delivery, at its moment."""

        def later(seconds: float) -> None:
            if seconds > 0:
                self._clock.sleep(seconds)
            work()

        for seconds in self.moments():
            threading.Thread(target=later, args=(seconds,), daemon=True, name=name).start()
