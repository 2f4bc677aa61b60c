"""EventBridge Scheduler: schedules with a rate fire, in the drill's time.

moto keeps schedules and never fires one.  A schedule with a rate and no start date fires when it is created and then
after every period, each time a little late (``Event.SCHEDULE_DELAY``): the service promises the minute, not the second
(https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html).
"""

from __future__ import annotations

import logging
import re
import threading
from typing import TYPE_CHECKING, Any

import moto.scheduler.models as scheduler_models
from moto.awslambda.models import lambda_backends
from moto.utilities.arns import parse_arn

from emr_drill.clock import Clock
from emr_drill.stand_in import functions
from emr_drill.stand_in.patching import original, replace
from emr_drill.timing import Event, Timing

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn

LOG = logging.getLogger(__name__)
UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


def period_seconds(expression: str) -> float | None:
    """Seconds between two firings of ``rate(N minutes)``; None for any other kind of expression."""
    found = re.fullmatch(r"rate\(\s*(\d+)\s+(minute|hour|day)s?\s*\)", expression.strip())
    return float(found[1]) * UNIT_SECONDS[found[2]] if found else None


class Schedules:
    """Fires schedules."""

    def __init__(self, *, clock: Clock, timing: Timing) -> None:
        """Start firing whatever schedules moto is told to create.

        Args:
            clock: the drill's time.
            timing: how late a schedule fires.
        """
        self._clock = clock
        self._timing = timing
        self._lock = threading.Lock()
        self._stops: dict[str, threading.Event] = {}
        self._closed = False
        schedules, backend = self, scheduler_models.EventBridgeSchedulerBackend
        create, delete = original(backend, "create_schedule"), original(backend, "delete_schedule")

        def create_schedule(self: scheduler_models.EventBridgeSchedulerBackend, *arguments: Any, **named: Any) -> Any:
            schedule = create(self, *arguments, **named)
            schedules.start(schedule)
            return schedule

        def delete_schedule(
            self: scheduler_models.EventBridgeSchedulerBackend, group_name: str | None, name: str
        ) -> None:
            arn = self.get_schedule(group_name, name).arn
            delete(self, group_name, name)
            schedules.stop(arn)

        replace(backend, "create_schedule", create_schedule)
        replace(backend, "delete_schedule", delete_schedule)

    def start(self, schedule: scheduler_models.Schedule) -> None:
        """Fire *schedule* from now on; one that is not a rate or has no function as its target is only kept."""
        period = period_seconds(schedule.schedule_expression)
        if period is None or parse_arn(schedule.target["Arn"]).service != "lambda":
            LOG.warning("schedule %s (%s) will not fire in the drill", schedule.name, schedule.schedule_expression)
            return
        with self._lock:
            if self._closed:
                return
            stop = self._stops[schedule.arn] = threading.Event()
        threading.Thread(
            target=self._fire, args=(schedule, period, stop), daemon=True, name=f"schedule {schedule.name}"
        ).start()

    def stop(self, arn: str) -> None:
        """Let a schedule fire no more."""
        with self._lock:
            stop = self._stops.pop(arn, None)
        if stop is not None:
            stop.set()

    def close(self) -> None:
        """Let no schedule fire any more.  May be called more than once."""
        with self._lock:
            self._closed = True
            stops = list(self._stops.values())
            self._stops.clear()
        for stop in stops:
            stop.set()

    def _fire(self, schedule: scheduler_models.Schedule, period: float, stop: threading.Event) -> None:
        began, count = self._clock.now(), 0
        while True:
            due = began + count * period + self._timing.draw(Event.SCHEDULE_DELAY, schedule.name)
            if self._clock.wait(stop, due - self._clock.now()):
                return
            count += 1
            if schedule.state == "ENABLED":
                self._invoke(schedule)

    @staticmethod
    def _invoke(schedule: scheduler_models.Schedule) -> None:
        arn = parse_arn(schedule.target["Arn"])
        try:
            function = lambda_backends[arn.account][arn.region].get_function(schedule.target["Arn"])
        except Exception:  # the service, too, goes on after a target that is not there
            LOG.exception("schedule %s has no function to invoke", schedule.name)
            return
        functions.runtime().invoke_later(functions.function_of(function), schedule.target.get("Input") or "{}")


def install(stand_in: StandIn) -> None:
    """Give *stand_in* its schedules."""
    stand_in.schedules = Schedules(clock=stand_in.clock, timing=stand_in.timing)
