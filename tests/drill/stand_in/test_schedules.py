"""Schedules fire in the drill's time, late by what the timing table says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emr_drill.stand_in.schedules import period_seconds
from emr_drill.timing import Event, Timing

from .fakes import ROLE, FakeStandIn, fake_stand_in, wait_until


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [("rate(1 minute)", 60), ("rate(5 minutes)", 300), ("rate(2 hours)", 7200), ("cron(0 12 * * ? *)", None)],
)
def test_the_period_of_an_expression(expression: str, seconds: float | None) -> None:
    assert period_seconds(expression) == seconds


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[FakeStandIn]:
    with fake_stand_in(tmp_path, speed=200) as made:
        yield made


@pytest.fixture
def times(stand_in: FakeStandIn, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When a function was invoked; none runs."""
    found: list[float] = []
    monkeypatch.setattr(stand_in.functions, "invoke_later", lambda *_: found.append(stand_in.clock.now()))
    return found


def create(
    stand_in: FakeStandIn, *, code: str = "", expression: str = "rate(1 minute)", data: str = "{}", **more: Any
) -> None:
    """A schedule of a function with *code*."""
    stand_in.client("scheduler").create_schedule(
        Name="schedule",
        ScheduleExpression=expression,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": stand_in.deploy("f", code), "RoleArn": ROLE, "Input": data},
        **more,
    )


def test_invokes_the_function_with_the_input(stand_in: FakeStandIn, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    create(stand_in, code="def handler(event, context): open(event, 'w').close()", data=json.dumps(str(mark)))
    wait_until(mark.exists)


def test_fires_at_once_and_then_every_minute(stand_in: FakeStandIn, times: list[float]) -> None:
    """A4: probers and monitor run each minute, up to 5 s late, never early."""
    before = stand_in.clock.now()
    create(stand_in)
    wait_until(lambda: len(times) >= 3)
    delays = Timing(seed=1)
    for number, at in enumerate(times[:3]):
        assert at >= before + number * 60 + delays.draw(Event.SCHEDULE_DELAY, "schedule")


def test_a_disabled_schedule_does_not_fire(stand_in: FakeStandIn, times: list[float]) -> None:
    create(stand_in, State="DISABLED")
    stand_in.clock.sleep(150)
    assert times == []


def test_a_deleted_schedule_fires_no_more(stand_in: FakeStandIn, times: list[float]) -> None:
    create(stand_in)
    wait_until(lambda: times)
    stand_in.client("scheduler").delete_schedule(Name="schedule")
    assert_fires_no_more(stand_in, times)


def test_nothing_fires_after_the_end(stand_in: FakeStandIn, times: list[float]) -> None:
    create(stand_in)
    stand_in.schedules.close()
    assert_fires_no_more(stand_in, times)


def test_a_schedule_that_is_no_rate_is_kept_and_does_not_fire(stand_in: FakeStandIn, times: list[float]) -> None:
    create(stand_in, expression="cron(* * * * ? *)")
    assert stand_in.client("scheduler").get_schedule(Name="schedule")["State"] == "ENABLED"
    stand_in.clock.sleep(150)
    assert times == []


def assert_fires_no_more(stand_in: FakeStandIn, times: list[float]) -> None:
    """Nothing comes in two periods, after a moment for what was under way."""
    stand_in.clock.sleep(40)
    before = list(times)
    stand_in.clock.sleep(150)
    assert times == before
