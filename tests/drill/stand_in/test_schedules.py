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

CODE = """
import json, pathlib, time

def handler(event, context):
    with pathlib.Path(event["file"]).open("a") as file:
        file.write(f"{time.time()}\\n")
"""


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


def create(stand_in: FakeStandIn, expression: str = "rate(1 minute)", **more: Any) -> Path:
    """A schedule of a function that writes down when it runs; the file it writes to."""
    file = stand_in.workdir / "times"
    target = {"Arn": stand_in.deploy("f", CODE), "RoleArn": ROLE, "Input": json.dumps({"file": str(file)})}
    stand_in.client("scheduler").create_schedule(
        Name="schedule", ScheduleExpression=expression, FlexibleTimeWindow={"Mode": "OFF"}, Target=target, **more
    )
    return file


def times(file: Path) -> list[float]:
    return [float(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_fires_at_once_and_then_every_minute(stand_in: FakeStandIn) -> None:
    """A4: probers and monitor run each minute, up to 5 s late, never early."""
    file = create(stand_in)
    created = stand_in.clock.now()
    wait_until(lambda: len(times(file)) >= 3)
    delays = Timing(seed=1)
    for number, at in enumerate(times(file)[:3]):
        assert at >= created - 60 + number * 60 + delays.draw(Event.SCHEDULE_DELAY, "schedule")


def test_a_disabled_schedule_does_not_fire(stand_in: FakeStandIn) -> None:
    file = create(stand_in, State="DISABLED")
    stand_in.clock.sleep(200)
    assert times(file) == []


def test_a_deleted_schedule_fires_no_more(stand_in: FakeStandIn) -> None:
    file = create(stand_in)
    wait_until(lambda: times(file))
    stand_in.client("scheduler").delete_schedule(Name="schedule")
    stand_in.clock.sleep(30)
    before = times(file)
    stand_in.clock.sleep(150)
    assert times(file) == before


def test_nothing_fires_after_the_end(stand_in: FakeStandIn) -> None:
    file = create(stand_in)
    stand_in.schedules.close()
    stand_in.clock.sleep(30)
    before = times(file)
    stand_in.clock.sleep(150)
    assert times(file) == before


def test_a_schedule_that_is_no_rate_is_kept_and_does_not_fire(stand_in: FakeStandIn) -> None:
    file = create(stand_in, "cron(* * * * ? *)")
    assert stand_in.client("scheduler").get_schedule(Name="schedule")["State"] == "ENABLED"
    stand_in.clock.sleep(150)
    assert times(file) == []
