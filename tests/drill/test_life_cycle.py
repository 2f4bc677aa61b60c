"""From the first deploy to the end of everything, by the requests that CloudFormation makes (A12, B13).

The synthesized assembly of active-passive in a stand-in, with every function, machine and role of it at work: nothing
is called but CloudFormation.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from emr_drill.addresses import Addresses
from emr_drill.clock import Clock
from emr_drill.errors import DrillError
from emr_drill.inventory import Thing, inventory
from emr_drill.observe import Deployment, deployment_name
from emr_drill.primary.primary import SimulatedPrimaryFactory
from emr_drill.stand_in.assembly import deploy
from emr_drill.stand_in.server import StandIn
from emr_drill.timing import Timing

from .command_line import ZONES, serving
from .life_cycle_blocks import free_block

SPEED = 40.0
PATIENCE_SECONDS = 240.0  # machine time
STRATEGY = "ActivePassive"


@contextmanager
def account(folder: Path) -> Iterator[StandIn]:
    folder.mkdir(exist_ok=True)
    with StandIn(
        clock=Clock.start(speed=SPEED),
        timing=Timing(seed=1),
        addresses=Addresses(block=free_block()),
        workdir=folder,
        primaries=SimulatedPrimaryFactory(),
    ) as stand_in:
        yield stand_in


def until(what: str, condition: Callable[[], bool]) -> None:
    """Wait for *condition*.

    Raises:
        AssertionError: it does not come true; says *what* was waited for.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)


def delete(stand_in: StandIn, stack: str) -> tuple[str, list[str]]:
    """Delete a stack; its last status, and the reason of each failure."""
    found = stand_in.stacks.find(stack)
    told = len(found.events)
    stand_in.client("cloudformation").delete_stack(StackName=stack)
    until(f"the end of {stack}", lambda: found.status != "DELETE_IN_PROGRESS")
    failed = [
        each.resource_status_reason or ""
        for each in found.events[told:]
        if each.resource_status == "DELETE_FAILED" and each.resource_type != "AWS::CloudFormation::Stack"
    ]
    return found.status, failed


def leftover_kinds(after: frozenset[Thing], before: frozenset[Thing]) -> set[str]:
    return {thing.kind for thing in after - before}


@pytest.mark.slow
def test_the_platform_goes_with_what_emr_left(tmp_path: Path, assembly: Path) -> None:
    with account(tmp_path / "stand-in") as aws:
        before = inventory(aws)
        aws.clusters.network.more_ports = (7337,)
        aws.clusters.network.leaves_interfaces = True
        deploy(aws, assembly, stacks=[STRATEGY])
        deployment = Deployment(stand_in=aws, name=deployment_name(aws, strategy="active-passive"))
        assert serving(deployment) == {"a": 1}
        assert delete(aws, STRATEGY) == ("DELETE_COMPLETE", [])
        assert delete(aws, "Platform") == ("DELETE_COMPLETE", [])
        print(sorted(inventory(aws) - before))
