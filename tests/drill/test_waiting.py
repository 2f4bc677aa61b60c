"""Waits of a drill, on its clock."""

from __future__ import annotations

import pytest

from emr_drill import waiting
from emr_drill.clock import Clock


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.001)


def test_what_comes_about_is_waited_for() -> None:
    answers = iter([False, False, True])

    assert waiting.until(Clock.start(speed=100.0), lambda: next(answers), 1000.0)


def test_nothing_is_waited_for_past_the_limit_of_the_drills_clock() -> None:
    clock = Clock.start(speed=1000.0)
    began = clock.now()

    assert not waiting.until(clock, lambda: False, 50.0)
    assert clock.now() - began >= 50


def test_what_is_true_already_costs_no_look() -> None:
    assert waiting.until(Clock.start(speed=1.0), lambda: True, 0.0)
