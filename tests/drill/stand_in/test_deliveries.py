"""Everything that AWS delivers at least once comes twice, or late, when a drill says so (A12)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from emr_drill.addresses import Addresses
from emr_drill.clock import Clock
from emr_drill.ports import PrimaryFactory
from emr_drill.stand_in.deliveries import Deliveries
from emr_drill.stand_in.server import StandIn
from emr_drill.timing import Timing

from .fakes import ACCOUNT, REGION, ROLE, FakeStandIn, fake_stand_in, wait_until


@pytest.fixture
def deliveries() -> Deliveries:
    return Deliveries(Clock.start(speed=1000))


def test_everything_comes_once_and_at_once_at_first(deliveries: Deliveries) -> None:
    assert deliveries.moments() == (0.0,)


def test_a_second_delivery_comes_later_and_all_may_be_late(deliveries: Deliveries) -> None:
    deliveries.double(late=30)
    deliveries.delay(5)
    assert deliveries.moments() == (5.0, 35.0)

    deliveries.double(False)
    deliveries.delay(0)
    assert deliveries.moments() == (0.0,)


def test_each_delivery_is_made_at_its_moment() -> None:
    clock, at, done = Clock.start(speed=1000), [], threading.Semaphore(0)
    deliveries = Deliveries(clock)
    deliveries.double(late=300)
    began = clock.now()

    def work() -> None:
        at.append(clock.now() - began)
        done.release()

    deliveries.deliver(work, name="test")
    assert done.acquire(timeout=20) and done.acquire(timeout=20)
    assert max(at) >= 300


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[FakeStandIn]:
    with fake_stand_in(tmp_path, speed=500) as made:
        yield made


def counter(stand_in: FakeStandIn) -> Path:
    """A file to which the function ``count`` adds its event's letters; the function's ARN is fixed."""
    marks = stand_in.workdir / "marks"
    marks.touch()
    stand_in.deploy("count", f"def handler(event, context): open({str(marks)!r}, 'a').write(event['letters'])")
    return marks


def test_an_asynchronous_invocation_comes_twice(stand_in: FakeStandIn) -> None:
    marks = counter(stand_in)
    stand_in.deliveries.double()
    stand_in.client("lambda").invoke(FunctionName="count", InvocationType="Event", Payload=b'{"letters": "x"}')

    wait_until(lambda: marks.read_text() == "xx")


def test_an_invocation_that_is_waited_for_comes_once(stand_in: FakeStandIn) -> None:
    marks = counter(stand_in)
    stand_in.deliveries.double()
    stand_in.client("lambda").invoke(FunctionName="count", Payload=b'{"letters": "x"}')
    stand_in.clock.sleep(100)

    assert marks.read_text() == "x"


def test_an_event_comes_twice_to_functions_and_queues_alike(stand_in: FakeStandIn) -> None:
    """The same event, by its id; not four times to a function, though both rule and invocation could double it."""
    marks = counter(stand_in)
    queues, events = stand_in.client("sqs"), stand_in.client("events")
    url = queues.create_queue(QueueName="q")["QueueUrl"]
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["test"]}))
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:count"
    events.put_targets(
        Rule="r",
        Targets=[
            {"Id": "1", "Arn": arn, "Input": '{"letters": "x"}'},
            {"Id": "2", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"},
        ],
    )
    stand_in.deliveries.double()

    stand_in.event_bus.publish(source="test", detail_type="t", detail={})

    received: list[str] = []

    def both() -> bool:
        found = queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        received.extend(json.loads(message["Body"])["id"] for message in found)
        return len(received) == 2

    wait_until(both)
    wait_until(lambda: marks.read_text() == "xx")
    stand_in.clock.sleep(100)
    assert (len(set(received)), marks.read_text()) == (1, "xx")


def test_a_firing_of_a_schedule_comes_twice(stand_in: FakeStandIn) -> None:
    marks = counter(stand_in)
    stand_in.deliveries.double()
    stand_in.client("scheduler").create_schedule(
        Name="s",
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:count",
            "RoleArn": ROLE,
            "Input": '{"letters": "x"}',
        },
    )

    wait_until(lambda: marks.read_text() == "xx")


def test_the_stand_in_is_told_in_a_word(tmp_path: Path) -> None:
    made = StandIn(
        clock=Clock.start(speed=1),
        timing=Timing(seed=1),
        addresses=Addresses(block=22),
        workdir=tmp_path,
        primaries=cast(PrimaryFactory, None),
    )

    made.double_events(late=7)
    assert made.deliveries.moments() == (0.0, 7.0)
    made.double_events(False)
    assert made.deliveries.moments() == (0.0,)
