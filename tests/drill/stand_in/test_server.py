"""Starting and stopping everything (A12)."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from emr_drill.addresses import Addresses
from emr_drill.clock import Clock
from emr_drill.ports import PrimaryFactory
from emr_drill.stand_in.cloudformation import REPLACED
from emr_drill.stand_in.patching import original
from emr_drill.stand_in.server import PARTS, StandIn
from emr_drill.timing import Timing


def stand_in(workdir: Path, parts: tuple[str, ...] = ()) -> StandIn:
    return StandIn(
        clock=Clock.start(speed=400),
        timing=Timing(seed=1),
        addresses=Addresses(block=90),
        workdir=workdir,
        primaries=cast(PrimaryFactory, None),
        parts=parts,
    )


def test_every_service_is_behind_one_endpoint(tmp_path: Path) -> None:
    with stand_in(tmp_path) as running:
        answers = [running.client("sqs").list_queues(), running.client("ec2").describe_vpcs()]

    assert [answer["ResponseMetadata"]["HTTPStatusCode"] for answer in answers] == [200, 200]


def test_each_drill_begins_empty(tmp_path: Path) -> None:
    with stand_in(tmp_path) as first:
        first.client("sqs").create_queue(QueueName="left")
    with stand_in(tmp_path) as second:
        assert "QueueUrls" not in second.client("sqs").list_queues()


def test_stopped_stand_in_does_not_answer(tmp_path: Path) -> None:
    with stand_in(tmp_path) as running:
        client = running.client("sqs")
    with pytest.raises(EndpointConnectionError):
        client.list_queues()


def test_calls_of_the_drill_are_not_repeated(tmp_path: Path) -> None:
    """An error shows at once instead of after retries in machine time."""
    with stand_in(tmp_path) as running, pytest.raises(ClientError, match=r"reached max retries: 0|does not exist"):
        running.client("cloudformation").describe_stacks(StackName="nowhere")


def test_port_for_the_interpreter_is_set_and_taken_back(tmp_path: Path) -> None:
    with stand_in(tmp_path) as running:
        inside = os.environ["MOTO_PORT"]
        port = running.endpoint.rpartition(":")[2]

    assert (inside, "MOTO_PORT" in os.environ) == (port, False)


def test_endpoint_needs_a_running_stand_in(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="only inside its `with` block"):
        _ = stand_in(tmp_path).endpoint


def test_failing_part_stops_what_was_started(tmp_path: Path) -> None:
    running = stand_in(tmp_path, parts=("no_such_part",))

    with pytest.raises(ModuleNotFoundError), running:
        pass
    assert "MOTO_PORT" not in os.environ


def test_moto_has_its_own_cloudformation_back(tmp_path: Path) -> None:
    """Whatever runs in this process afterwards meets plain moto."""
    with stand_in(tmp_path):
        inside = [(owner, name) for owner, name in REPLACED if getattr(owner, name) is original(owner, name)]
    outside = [(owner, name) for owner, name in REPLACED if getattr(owner, name) is not original(owner, name)]

    assert (inside, outside) == ([], [])


def test_whole_stand_in_starts_and_leaves_nothing(tmp_path: Path) -> None:
    """All parts, as a drill has them."""
    before = set(threading.enumerate())

    with stand_in(tmp_path, parts=PARTS) as running:
        assert running.clusters.states() == []

    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert set(threading.enumerate()) - before == set()


def test_parts_are_closed_although_one_fails(tmp_path: Path) -> None:
    class Part:
        closed = 0

        def close(self) -> None:
            Part.closed += 1
            raise OSError("on purpose")

    running = stand_in(tmp_path)
    with pytest.raises(ExceptionGroup, match="did not stop"), running:
        vars(running).update(functions=Part(), clusters=Part())
    assert Part.closed == 2
