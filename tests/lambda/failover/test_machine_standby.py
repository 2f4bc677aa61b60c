"""The same controller against everything that may happen, where one of two managed clusters keeps a standby.

Everything that :mod:`.test_machine` says of runs goes for these too; what keeps standbys acts in them as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pytest
from hypothesis.stateful import rule

from .gate import Fault
from .test_machine import PROOF, Controller, Statistics, faults, patched, pauses, run_seeds

__all__ = ["patched"]  # a fixture

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


@pytest.mark.parametrize("first_seed", [1])
def test_the_controller_keeps_its_promises_with_a_standby(
    patched: None, first_seed: int, capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    """A14: so many steps at least."""

    def missing() -> list[str]:
        return [name for name in WHAT_MATTERS if not Statistics.reached[name]]

    number, total = run_seeds(WithStandby, first_seed, runs=RUNS, required=REQUIRED_STEPS, missing=missing)
    record_property("steps", total)
    with capsys.disabled():
        print(f"\nseeds {first_seed} to {number} with a standby: {Statistics.told()}")
    assert not missing()
