"""The same controller against everything that may happen, where one of two managed clusters keeps a standby.

Everything that :mod:`.test_machine` says of runs goes for these too; what keeps standbys acts in them as well.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import rule, run_state_machine_as_test

from .gate import Fault
from .parts import Clock
from .test_machine import PROOF, STEPS, Controller, Statistics, faults, pauses

RUNS = 10
REQUIRED_STEPS = 3_000 * PROOF
# Runs that never get there would prove little.
WHAT_MATTERS = ("stands by", "failed over", "cancelled", "standby", "retired")


class WithStandby(Controller):
    """One run; ``a`` keeps a standby."""

    standby: ClassVar[bool] = True

    @rule(faults=faults, pause_at=pauses)
    def keep(self, faults: dict[int, Fault], pause_at: int | None) -> None:
        self.count("standby")
        self.play.keep(faults=faults, pause_at=pause_at)

    @rule()
    def a_standby_is_launched(self) -> None:
        """Without a fault, so that runs get somewhere."""
        if self.play.resources["a"].state != "there":
            return
        self.count("launch of a standby")
        self.play.keep()
        running = [each for each in self.play.executions.running() if "-standby-" in each]
        for execution in running:
            for _ in range(40):
                if self.world.executions[execution]["status"] != "RUNNING" or self.world.violations:
                    break
                self.play.step(execution)


@pytest.mark.slow
@pytest.mark.parametrize("first_seed", [1])
def test_the_controller_keeps_its_promises_with_a_standby(
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    first_seed: int,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    """A14: so many steps at least."""
    for name, value in {"POWERTOOLS_METRICS_NAMESPACE": "EmrDr", "POWERTOOLS_SERVICE_NAME": "failover"}.items():
        monkeypatch.setenv(name, value)
    Controller.patch, Controller.clock = monkeypatch, clock
    Statistics.clear()
    chosen = settings(
        max_examples=RUNS,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        print_blob=True,
        report_multiple_bugs=False,
        suppress_health_check=tuple(HealthCheck),  # pyright: ignore[reportArgumentType]
        phases=[Phase.generate],
    )
    number, total, missing = first_seed, 0, [*WHAT_MATTERS]
    for number in count(first_seed):
        try:
            run_state_machine_as_test(seed(number)(WithStandby), settings=chosen)
        except BaseException:
            print(f"seed {number}")
            raise
        total = Statistics.steps.total()
        missing = [name for name in WHAT_MATTERS if not Statistics.reached[name]]
        if (total >= REQUIRED_STEPS and not missing) or total >= 3 * REQUIRED_STEPS:
            break
    record_property("steps", total)
    with capsys.disabled():
        print(f"\nseeds {first_seed} to {number} with a standby: {Statistics.told()}")
    assert not missing
