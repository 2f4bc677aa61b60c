"""When a target is healthy: the state machine that verdicts of real checks go through.

Pure; times are simulated seconds.  *Whether* a target answers is found out for real
(:mod:`emr_drill.front_door.health_checks`); *when* the load balancer acts on it is drawn from the drill's timing table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class HealthState(StrEnum):
    """States of a target, as DescribeTargetHealth names them."""

    INITIAL = "initial"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    DRAINING = "draining"
    UNUSED = "unused"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What one check found.

    Attributes:
        started_at: when it began.
        passed: whether the target answered as the group wants.
        reason: reason code of the API if not.
        description: a sentence if not.
    """

    started_at: float
    passed: bool
    reason: str = ""
    description: str = ""


class TargetHealth:
    """State of one registered target.

    A new target is ``initial`` until its first verdict and gets no traffic.  It becomes healthy at *healthy_at* if its
    last check passed, unhealthy after ``unhealthy_threshold`` failed checks in a row, but no sooner than
    *unhealthy_after* seconds after it stopped answering.  The moment at which it stopped lies between its last good and
    its first bad check; the middle is taken.  The way back takes ``healthy_threshold`` checks and *healthy_after*.
    """

    def __init__(
        self,
        *,
        registered_at: float,
        healthy_at: float,
        healthy_after: Callable[[], float],
        unhealthy_after: Callable[[], float],
        healthy_threshold: int,
        unhealthy_threshold: int,
    ) -> None:
        self._state = HealthState.INITIAL
        self._healthy_at = healthy_at
        self._healthy_after = healthy_after
        self._unhealthy_after = unhealthy_after
        self._thresholds = {True: healthy_threshold, False: unhealthy_threshold}
        self._last: CheckResult | None = None
        self._last_seen = registered_at
        self._streak = 0
        self._due = healthy_at

    @property
    def last_check(self) -> CheckResult | None:
        """The last check's result."""
        return self._last

    @property
    def reported_state(self) -> HealthState:
        """The state at the last look."""
        return self._state

    def observe(self, result: CheckResult) -> None:
        """Take in the result of a check; results come in order of time."""
        self.state_at(result.started_at)  # a verdict that fell due since the last look
        if self._last is None or self._last.passed != result.passed:
            self._streak = 0
            if not result.passed:
                self._due = (self._last_seen + result.started_at) / 2 + self._unhealthy_after()
            elif self._state is HealthState.INITIAL:
                self._due = self._healthy_at
            else:
                self._due = result.started_at + self._healthy_after()
        self._streak += 1
        self._last = result
        self._last_seen = result.started_at

    def state_at(self, now: float) -> HealthState:
        """The state at *now*, which must not lie before an observed check."""
        if self._last is not None and now >= self._due:
            passed = self._last.passed
            verdict = HealthState.HEALTHY if passed else HealthState.UNHEALTHY
            # One good check is enough for a new target ("Health checks for your target groups").
            needed = 1 if passed and self._state is HealthState.INITIAL else self._thresholds[passed]
            if self._state is not verdict and self._streak >= needed:
                self._state = verdict
        return self._state
