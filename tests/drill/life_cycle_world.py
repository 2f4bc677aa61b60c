"""An account in which a strategy's synthesized assembly lives and dies, with all of its functions and machines at work.

Nothing is called but CloudFormation, as whoever deploys does; what its custom resources are asked is written down.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emr_drill.addresses import Addresses
from emr_drill.clock import Clock
from emr_drill.errors import DrillError
from emr_drill.inventory import inventory
from emr_drill.observe import Deployment, deployment_name
from emr_drill.primary.primary import SimulatedPrimaryFactory
from emr_drill.stand_in.assembly import deploy
from emr_drill.stand_in.custom_resources import CustomResource
from emr_drill.stand_in.patching import original, replace, restore
from emr_drill.stand_in.server import StandIn
from emr_drill.timing import Timing

SPEED = 20.0
PATIENCE_SECONDS = 300.0  # machine time
STACK, STRATEGY = "ActivePassive", "active-passive"
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")
# Of the drills that tests run at once these tests alone are in these.
FIRST_BLOCK, LAST_BLOCK = 35, 39


def free_block() -> int:
    """One that no drill and no other test worker uses."""
    worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0")
    return FIRST_BLOCK + worker % (LAST_BLOCK - FIRST_BLOCK + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request of CloudFormation to a custom resource.

    Attributes:
        type: ``Custom::...``.
        kind: ``Create``, ``Update`` or ``Delete``.
        physical_id: of the resource, empty where the request has none.
        properties: those that it shall have.
        old: those that it had, of an Update.
        status: of the stack, while it is asked.
    """

    type: str
    kind: str
    physical_id: str
    properties: Mapping[str, Any]
    old: Mapping[str, Any] = field(default_factory=dict)
    status: str = ""


class Account:
    """The account, running."""

    def __init__(self, aws: StandIn) -> None:
        self.aws = aws
        self.asked: list[Asked] = []
        self.before = inventory(aws)

    def deploy(self, assembly: Path, stack: str = STACK) -> str:
        """Deploy a stack, the strategy's by default, with what it stands on; why that failed, or an empty text."""
        try:
            deploy(self.aws, assembly, stacks=[stack])
        except DrillError as error:
            return str(error)
        return ""

    def deploying(self, assembly: Path) -> tuple[threading.Thread, list[str]]:
        """Begin to deploy; the thread that does it, and the list to which it adds what :meth:`deploy` answers."""
        told: list[str] = []
        thread = threading.Thread(target=lambda: told.append(self.deploy(assembly)), daemon=True)
        thread.start()
        return thread, told

    @property
    def deployment(self) -> Deployment:
        return Deployment(stand_in=self.aws, name=deployment_name(self.aws, strategy=STRATEGY))

    def status(self, stack: str = STACK) -> str:
        return self.aws.stacks.find(stack).status

    def delete(self, stack: str = STACK) -> tuple[str, dict[str, str]]:
        """Delete a stack; its last status, and why which resource could not be deleted."""
        found = self.aws.stacks.find(stack)
        told = len(found.events)
        self.aws.client("cloudformation").delete_stack(StackName=stack)
        until(f"the end of {stack}", lambda: found.status != "DELETE_IN_PROGRESS")
        failed = {
            each.logical_resource_id: each.resource_status_reason or ""
            for each in found.events[told:]
            if each.resource_status == "DELETE_FAILED" and each.resource_type != "AWS::CloudFormation::Stack"
        }
        return found.status, failed

    def forget_requests(self) -> None:
        self.asked.clear()

    def requests(self, kind: str = "Custom::EmrManagedCluster") -> list[Asked]:
        """What resources of one type were asked since the last :meth:`forget_requests`."""
        return [each for each in self.asked if each.type == kind]

    def running(self) -> list[str]:
        """The release of each cluster that has not ended."""
        client: Any = self.aws.client("emr")
        states = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING", "TERMINATING"]
        found = client.list_clusters(ClusterStates=states)["Clusters"]
        return [client.describe_cluster(ClusterId=each["Id"])["Cluster"]["ReleaseLabel"] for each in found]

    def launching(self) -> bool:
        """Whether a cluster starts."""
        client: Any = self.aws.client("emr")
        return bool(client.list_clusters(ClusterStates=["STARTING", "BOOTSTRAPPING"])["Clusters"])

    def serving(self) -> dict[str, Any]:
        """The incarnation that serves."""
        (found,) = [item for item in self.deployment.incarnations() if item["state"] == "serving"]
        return found

    def at_rest(self) -> bool:
        """Whether no execution runs and one cluster alone is there."""
        return not self.aws.state_machines.running() and len(self.running()) == 1

    def left(self, expected: Collection[tuple[str, str]]) -> list[str]:
        """What is otherwise than *expected* (kind and first part of the name) of what is there and was not at first."""
        left = inventory(self.aws) - self.before
        unknown = [
            f"left: {thing.kind} {thing.name}"
            for thing in left
            if not any(thing.kind == kind and thing.name.startswith(name) for kind, name in expected)
        ]
        missing = [
            f"gone: {kind} {name}"
            for kind, name in expected
            if sum(thing.kind == kind and thing.name.startswith(name) for thing in left) != 1
        ]
        return sorted([*unknown, *missing])


@contextmanager
def account(folder: Path) -> Iterator[Account]:
    """An account, until the end of the block."""
    folder.mkdir(exist_ok=True)
    stand_in = StandIn(
        clock=Clock.start(speed=SPEED),
        timing=Timing(seed=1),
        addresses=Addresses(block=free_block()),
        workdir=folder,
        primaries=SimulatedPrimaryFactory(),
    )
    with stand_in as aws:
        made = Account(aws)

        def send(self: Any, kind: str, old_properties: Any = None) -> None:
            made.asked.append(
                Asked(
                    type=self._type,
                    kind=kind,
                    physical_id="" if kind == "Create" else self.physical_resource_id,
                    properties=dict(self._properties),
                    old=dict(old_properties or {}),
                    status=self._stand_in.stacks.find(self._stack_id).status,
                )
            )
            original(CustomResource, "send")(self, kind, old_properties)

        replace(CustomResource, "send", send)
        try:
            yield made
        finally:
            restore(CustomResource, "send")


def until(what: str, condition: Callable[[], bool]) -> None:
    """Wait for *condition*.

    Raises:
        AssertionError: it does not come true; says *what* was waited for.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)
