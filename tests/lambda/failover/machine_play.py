"""Everybody who acts on a world: CloudFormation, Step Functions, EventBridge, the monitor, people; and how it rests."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from dr_core.requests import OperationRequest
from failover import custom_resource
from failover.control import control
from failover.execution_ended import tidy_up
from failover.notices import Notices
from failover.reconcile import reconcile
from failover.standby import keep

from .gate import Fault, Invocation
from .machine_executions import Executions
from .machine_monitor import watch_of
from .machine_rest import left_over
from .machine_world import MACHINE_CONFIG, NAMES, WARM_CONFIG, MachineWorld
from .parts import DEPLOYMENT, OPERATIONS, START, Clock

TEMPLATE = "https://bucket/template.json"
# Rounds of everybody until a world has to be at rest; some retirements wait for five minutes at a time.
ROUNDS = 3000
# How long CloudFormation waits for an answer.
ANSWER_SECONDS = 3600.0


@dataclass
class StackResource:
    """A managed cluster as CloudFormation sees it.

    Attributes:
        state: ``none``, ``creating``, ``there``, ``updating``, ``rolling back``, ``deleting``, ``gone``.
        request: id of the request that is not answered yet.
        properties: as they are.
        before: as they were before the update that runs.
        since: when the request was sent.
    """

    state: str = "none"
    request: str | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    since: float = 0.0


@dataclass
class Rest:
    """How far a world is on its way to rest.

    Attributes:
        ends: when every fault ends; ``None`` = they have.
        rounds: how many there were.
        quiet: in how many of the last ones nothing happened.
        asked: how often a person asked for something in them.
    """

    ends: float | None
    rounds: int = 0
    quiet: int = 0
    asked: int = 0


class Play:
    """A world and everybody who acts on it.

    Attributes:
        resting: how far it is on its way to rest, once that was begun.
        before: called with each function that starts.
        after: each of them is called with each function that has ended.
        notes: what they keep for themselves.
        asked: how often a person had to ask for a failover, as nothing else would have happened any more.
        lost: executions whose bad end nobody was told of.
    """

    def __init__(self, clock: Clock, patch: pytest.MonkeyPatch, *, standby: bool = False) -> None:
        self.world = MachineWorld(clock, standby=standby)
        self.gate = self.world.gate
        self.executions = Executions(self.world)
        self.resources = {name: StackResource() for name in NAMES}
        self.sent: list[dict[str, Any]] = []
        self.again: list[dict[str, Any]] = []  # events of CloudFormation whose delivery died
        self.numbers = 0
        self.story: list[str] = []
        self.resting: Rest | None = None
        self.before: Callable[[Invocation], None] | None = None
        self.after: list[Callable[[Play, Invocation], None]] = []
        self.notes: set[str] = set()
        self.asked = 0
        self.lost: set[str] = set()
        self.takes_part(patch)

    def takes_part(self, patch: pytest.MonkeyPatch) -> None:
        """Let the functions that are called from now on work in its world."""
        patch.setattr(custom_resource, "deployment_from_environment", lambda: self.world.deployment)
        patch.setattr(custom_resource, "StackAnswers", lambda: self.world.deployment.stack_answers)
        patch.setattr(custom_resource, "check_sdk", lambda: None)
        patch.setattr(Notices, "_emit", lambda *_, **__: None)  # metrics are not what is proved here

    def copied(self, clock: Clock, patch: pytest.MonkeyPatch) -> Play:
        """The same once more, by *clock*, so that a beginning need not be told again; nobody is interrupted in it."""
        clock.now = self.world.clock.now
        play = copy.deepcopy(self, self.shared(clock))
        play.takes_part(patch)
        return play

    def shared(self, clock: Clock) -> dict[int, object]:
        """What a copy by *clock* has instead of a copy, as :func:`copy.deepcopy` wants it; nobody is interrupted."""
        assert not self.gate.paused
        return {id(self.world.clock): clock, **{id(each): each for each in (MACHINE_CONFIG, WARM_CONFIG)}}

    # Functions.

    def run(self, invocation: Invocation) -> bool:
        """Start a function; whether it ended."""
        if self.before is not None:
            self.before(invocation)
        ended = self.gate.run(invocation)
        if invocation.effects or self.world.clock.now > invocation.began:
            self.world.live_on()
        if ended:
            self.ended(invocation)
        else:
            self.tell(f"{invocation.name} is interrupted after {invocation.calls - 1} calls")
        return ended

    def resume(self, invocation: Invocation, *, calls: int | None = None) -> bool:
        """Let an interrupted function go on; whether it ended."""
        ended = self.gate.resume(invocation, calls=calls)
        if ended:
            self.ended(invocation)
        return ended

    def tell(self, text: str) -> None:
        """Note down something that happened, for people; of what happens again and again the first and the last."""
        line = f"{self.world.clock.now - START:7.0f}  {text}"
        if len(self.story) > 1 and all(each.endswith(f"  {text}") for each in self.story[-2:]):
            self.story.pop()
        self.story.append(line)

    def ended(self, invocation: Invocation) -> None:
        """What follows when a function has ended."""
        if isinstance(invocation.error, (AttributeError, KeyError, NameError, TypeError, AssertionError)):
            self.world.violations.append(f"{invocation.name} raised {invocation.error!r}, which nobody meant")
        who = f" of {invocation.execution.rpartition(':')[2]}" if invocation.execution else ""
        what = (
            f"raised {invocation.error!r}"
            if invocation.error is not None
            else getattr(invocation.result, "message", "")
        )
        if what or invocation.effects:
            self.tell(f"{invocation.name}{who}: {what} [{', '.join(invocation.effects)}]")
        if invocation.execution is not None:
            self.executions.take(invocation)
        elif invocation.error is not None and invocation.event is not None:
            # Lambda and EventBridge deliver it once more.
            if "RequestType" not in invocation.event:
                self.executions.events.append(invocation.event)
            elif invocation.event["RequestId"] in [each.request for each in self.resources.values()]:
                self.again.append(invocation.event)
        for follows in list(self.after):
            follows(self, invocation)
        self.hear_answers()

    def step(self, execution: str, *, faults: Mapping[int, Fault] | None = None, pause_at: int | None = None) -> bool:
        """One step of an execution, when it is due."""
        self.world.pass_time(self.executions.due(execution) - self.world.clock.now)
        self.executions.time_out()
        if self.world.executions[execution]["status"] != "RUNNING":
            return True
        return self.run(self.executions.invocation(execution, faults=faults, pause_at=pause_at))

    def finish(self, execution: str) -> None:
        """All steps of an execution, to its end."""
        for _ in range(ROUNDS):
            if self.world.executions[execution]["status"] != "RUNNING":
                return
            self.step(execution)
        raise AssertionError(f"{execution} has not ended after {ROUNDS} steps: {self.story[-3:]}")

    def deliver(self, event: dict[str, Any], **how: Any) -> bool:
        """EventBridge's event of an execution that ended badly."""
        name = f"execution_ended {event['executionArn'].rpartition(':')[2]}"
        return self.run(Invocation(name=name, work=lambda: tidy_up(self.world.deployment, event), event=event, **how))

    # CloudFormation.

    def properties(self, name: str, *, version: int, as_text: bool = False) -> dict[str, Any]:
        """The resource's properties; numbers in the parameters are the same as texts or not."""
        parameters = {"ServiceRole": "role", "CoreNodes": str(2 + version) if as_text else 2 + version}
        return {
            "Deployment": DEPLOYMENT,
            "Name": name,
            "TemplateUrl": TEMPLATE,
            "Parameters": json.dumps(parameters),
        }

    def request(self, kind: str, name: str, properties: dict[str, Any], **how: Any) -> bool:
        """CloudFormation sends a request; functions that still carry out an earlier one of the resource have ended."""
        for invocation in list(self.gate.paused):
            event = invocation.event or {}
            if event.get("ResourceProperties", {}).get("Name") == name:
                self.gate.kill(invocation)
                self.ended(invocation)
        self.numbers += 1
        request_id = f"r{self.numbers}"
        resource = self.resources[name]
        resource.request, resource.since = request_id, self.world.clock.now
        resource.state = {"Create": "creating", "Update": "updating", "Delete": "deleting"}[kind]
        if kind == "Update":
            resource.before, resource.properties = resource.properties, properties
        elif kind == "Create":
            resource.properties = properties
        event = {
            "RequestType": kind,
            "ResponseURL": f"https://answers/{request_id}",
            "StackId": "stack",
            "RequestId": request_id,
            "LogicalResourceId": f"ManagedCluster{name}",
            "ResourceProperties": properties,
        }
        self.sent.append(event)
        return self.send(event, **how)

    def send(self, event: dict[str, Any], **how: Any) -> bool:
        """Deliver a request, for the first time or again."""
        name = f"custom_resource {event['RequestType']} {event['RequestId']}"
        outdated = event["RequestId"] not in [each.request for each in self.resources.values()]
        if outdated and not self._was_carried_out(event):
            return True  # Lambda's retries are over before CloudFormation asks for something else
        return self.run(Invocation(name=name, work=lambda: custom_resource.handler(event, None), event=event, **how))

    def _was_carried_out(self, event: Mapping[str, Any]) -> bool:
        return any(
            item["id"].endswith(f"-{event['RequestId']}") and item.get("entered")
            for item in self.world.items("operation")
        )

    def hear_answers(self) -> None:
        """CloudFormation takes the first answer to each of its requests and goes on."""
        for resource in self.resources.values():
            answer = next((each for each in self.world.answers if each["request"] == resource.request), None)
            too_late = self.world.clock.now > resource.since + ANSWER_SECONDS
            if resource.request is None or (answer is None and not too_late):
                continue
            resource.request = None
            succeeded, state = answer is not None and answer["succeeded"], resource.state
            match state:
                case "creating":
                    resource.state = "there" if succeeded else "failed"
                case "updating":
                    resource.state = "there" if succeeded else "rolling back"
                case "deleting":
                    resource.state = "gone" if succeeded else "failed"

    def cloudformation_goes_on(self, **how: Any) -> bool:
        """What CloudFormation does by itself: delete what it could not create, and roll an update back."""
        self.hear_answers()
        for name, resource in self.resources.items():
            if resource.state == "failed":
                self.request("Delete", name, resource.properties, **how)
                return True
            if resource.state == "rolling back":
                self.request("Update", name, resource.before, **how)
                resource.before = resource.properties
                return True
        return False

    # The monitor and a person.

    def monitor(self, **how: Any) -> bool:
        """One round of the monitor."""
        return self.run(Invocation(name="monitor", work=lambda: watch_of(self.world).round().complete, **how))

    def reconcile(self, **how: Any) -> bool:
        """One run of the reconciliation."""
        return self.run(Invocation(name="reconcile", work=lambda: reconcile(self.world.deployment), **how))

    def keep(self, **how: Any) -> bool:
        """One run of what keeps standbys, if it is deployed."""
        if not self.world.standby:
            return True
        return self.run(Invocation(name="standby", work=lambda: keep(self.world.deployment), **how))

    def keep_once(self) -> None:
        """One run of what keeps standbys, and nothing more."""
        self.keep()

    def state_of(self, execution: str) -> str:
        """The state of its machine that an execution stands at."""
        return str(self.world.executions[execution].get("state", ""))

    def ask_for(self, kind: str, name: str, *, reason: str = "manual") -> None:
        """A person starts an operation."""
        self.numbers += 1
        request = OperationRequest.from_dict(
            {"operation": f"person-{self.numbers}", "kind": kind, "reason": reason, "managed_cluster": name}
        )
        self.world.deployment.executions.start_operation(request)

    def control(self, action: str, **how: Any) -> bool:
        """A person pauses, resumes or acknowledges automatic operations."""
        event = {"action": action, **({"because": "a test"} if action == "pause" else {})}
        return self.run(Invocation(name=f"control {action}", work=lambda: control(self.world.deployment, event), **how))

    def lose(self, event: Mapping[str, Any]) -> None:
        """EventBridge does not deliver an event."""
        self.lost.add(event["executionArn"])
        self.tell(f"nobody is told of the end of {event['executionArn'].rpartition(':')[2]}")

    # Rest.

    def rest(self, *, heal_after: float = 0) -> None:
        """Faults end after so many seconds, and everybody goes on until nothing is left to do."""
        self.begin_rest(heal_after=heal_after)
        while self.goes_on():
            pass

    def begin_rest(self, *, heal_after: float = 0) -> None:
        """Whoever was interrupted is gone, and faults end after so many seconds; then rounds follow."""
        self.gate.broken.clear()
        for invocation in list(self.gate.paused):
            self.gate.kill(invocation)
            self.ended(invocation)
        self.resting = Rest(ends=self.world.clock.now + heal_after)

    def goes_on(self) -> bool:
        """One round of everybody; whether another one has to follow.

        All that rounds know of each other is in the play: a copy of it goes on as the play itself does.
        """
        world, resting = self.world, self.resting
        assert resting is not None
        if resting.rounds == ROUNDS:
            raise AssertionError(
                f"no rest after {ROUNDS} rounds: {self.executions.running()}, {self.executions.events}"
            )
        resting.rounds += 1
        if world.violations:
            return False
        if resting.ends is not None and world.clock.now >= resting.ends:
            resting.ends = None
            self._heal()
        if self._one_thing():
            resting.quiet = 0
            return True
        # Only now, when nothing else goes on: the monitor, the reconciliation, then a person.
        world.pass_time(50)
        self.monitor()
        self.reconcile()
        self.keep()
        resting.quiet += 1
        if self.executions.running() or self.executions.events:
            resting.quiet = 0
        elif resting.ends is not None:
            world.pass_time(resting.ends - world.clock.now)
        elif resting.quiet >= 2 and not left_over(self):
            return False
        elif resting.quiet >= 6 and any(each.request is not None for each in self.resources.values()):
            world.pass_time(ANSWER_SECONDS)  # whoever owes the answer has died, and nobody was told
        elif resting.quiet >= 30 and not self.cloudformation_goes_on():
            sick = [name for name in NAMES if self.resources[name].state == "there" and not self._serves(name)]
            if not sick or resting.asked >= 3:
                return False
            resting.asked, resting.quiet = resting.asked + 1, 0
            for name in sick:
                self.ask_for("failover", name)
            self.asked += len(sick)
        return True

    def _heal(self) -> None:
        """Every fault ends, and a person lets automatic operations go on."""
        self.world.heal()
        controls = self.world.record.items.get(("deployment", "controls"))
        if controls is not None:
            self.control("resume")
            self.control("acknowledge")

    def _one_thing(self) -> bool:
        """Let the next thing happen, if anything is left to do."""
        self.executions.time_out()
        if self.again:
            self.send(self.again.pop(0))
            return True
        if self.executions.events:
            self.deliver(self.executions.events.pop(0))
            return True
        if self.cloudformation_goes_on():
            return True
        running = self.executions.running()
        if running:
            self.step(running[0])
            return True
        return False

    def _serves(self, name: str) -> bool:
        serving = self.world.record.items[("managed-cluster", name)].get("serving_generation")
        if serving is None:
            return False
        cluster = self.world.cluster_of(int(serving))
        lives = cluster is not None and self.world.living(cluster.address) is cluster  # nobody else has its address
        return cluster is not None and lives and self.world.works(cluster.address)


def in_service(play: Play, name: str) -> str:
    """Launch a managed cluster and let it serve; the ARN of the execution that did it."""
    play.request("Create", name, play.properties(name, version=0))
    execution = next(reversed(play.world.executions))
    assert execution.startswith(play.world.execution(OPERATIONS, ""))
    play.finish(execution)
    play.hear_answers()
    return execution
