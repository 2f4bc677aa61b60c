"""A small AWS in memory: what the controller's clients talk to in these tests.

Each service is as small as the calls that the controller makes.  Every client goes through :class:`Watched`, which
counts the calls that change something and can lose the answer of one.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from botocore.exceptions import ClientError

from dr_core.config import (
    Canary,
    FunctionConfig,
    ManagedClusterResources,
    ProberFunction,
    SlotResources,
    SubnetChoice,
)
from dr_core.evidence import Evidence, Reading, Service, Verdict, prober_observer
from dr_core.id_ranges import first_id, prefix_of
from dr_core.record import Answer, Incarnation, ManagedCluster, Operation
from dr_core.steps import OPERATION_WAIT_SECONDS, RETIREMENT_WAIT_SECONDS, ROLL_BACK, OperationStep, RetirementStep
from failover.calls import StepEvent
from failover.clusters import Clusters
from failover.deployment import Deployment
from failover.executions import Executions
from failover.front_door import FrontDoor
from failover.handler import run_step
from failover.notices import Notices
from failover.probers import Probers
from failover.record_store import RecordStore
from failover.stacks import IncarnationStacks

from .memory_record import MemoryRecord

START = 1_800_000_000.0
DEPLOYMENT = "emr-dr-active-passive"
OPERATIONS = "arn:aws:states:us-east-1:123456789012:stateMachine:operation"
RETIREMENTS = "arn:aws:states:us-east-1:123456789012:stateMachine:retirement"
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")
SPEC = json.dumps({"parameters": {"ServiceRole": "role"}, "template_url": "https://bucket/template.json"})

CONFIG = FunctionConfig(
    deployment=DEPLOYMENT,
    record_table="record",
    evidence_table="evidence",
    managed_clusters=(
        ManagedClusterResources(name="a", resource_manager_target_group="rm-a", name_node_target_group="nn-a"),
    ),
    subnets=tuple(SubnetChoice(availability_zone=zone, subnet_id=f"subnet-{zone}") for zone in ZONES),
    slots=tuple(
        SlotResources(
            number=number, target_group=f"slot-{number}", id_rule=f"id-{number}", header_rule=f"header-{number}"
        )
        for number in (1, 2, 3, 4)
    ),
    balanced_target_group="balanced",
    front_door_host="front.door",
    load_balancer_host="load.balancer",
    probers=tuple(ProberFunction(availability_zone=zone, function_name=f"prober-{zone}") for zone in ZONES),
    operation_state_machine=OPERATIONS,
    retirement_state_machine=RETIREMENTS,
    incarnation_role="arn:aws:iam::123456789012:role/incarnation",
    alert_topic="arn:aws:sns:us-east-1:123456789012:alerts",
    canary=Canary(file="hdfs:///tmp/emr-dr/canary.py"),
)


class LostAnswerError(Exception):
    """A call took effect, and its answer was lost; the process dies of it."""


class TooLongError(AssertionError):
    """A machine did not come to its end."""


@dataclass
class Clock:
    """Time that passes when a test says so."""

    now: float = START

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def client_error(code: str, message: str, operation: str = "Call") -> ClientError:
    """An error as boto3 raises it."""
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class Named(ClientError):
    """Base of the errors that a client names in its ``exceptions``."""


class AlreadyExistsException(Named):
    pass


class InvalidRequestException(Named):
    pass


class ExecutionAlreadyExists(Named):
    pass


class ExecutionDoesNotExist(Named):
    pass


@dataclass
class Cluster:
    """An EMR cluster: its state follows the clock until somebody ends it."""

    cluster_id: str
    name: str
    tags: dict[str, str]
    address: str
    started: float
    fails: str = ""
    protected: bool = False
    ended_at: float | None = None
    first_id: int = 0
    rm_reachable: bool = True
    applications: list[str] = field(default_factory=list)
    canary_state: str = "success"
    bad_seed: bool = False


@dataclass
class Stack:
    """A stack: its status follows its cluster."""

    stack_id: str
    name: str
    tags: dict[str, str]
    parameters: dict[str, str]
    cluster: Cluster | None
    created: float
    deleting: bool = False
    deletions: int = 0


class World:
    """Everything that the controller can see or change, and the settings of what goes wrong."""

    LAUNCH_SECONDS = 480.0
    STACK_TO_CLUSTER_SECONDS = 10.0
    TERMINATION_SECONDS = 60.0
    HEALTHY_SECONDS = 15.0

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.stacks: dict[str, Stack] = {}
        self.clusters: dict[str, Cluster] = {}
        self.targets: dict[str, dict[str, float]] = {}
        self.rules: dict[str, Any] = {}
        self.unhealthy: set[str] = set()
        self.executions: dict[str, dict[str, Any]] = {}
        self.notices: list[dict[str, str]] = []
        self.answers: list[dict[str, Any]] = []
        self.broken_zones: set[str] = set()
        self.bad_seed = False
        self.canary_state = "success"
        self.dead_probers: set[str] = set()
        self.delete_fails = 0
        self.terminated: list[str] = []
        self.deregistered: list[tuple[str, str, dict[str, str]]] = []
        self.calls = 0
        self.lose_call: int | None = None
        self.record = MemoryRecord(self.count)
        self.deployment = self._deployment()

    def _deployment(self) -> Deployment:
        def watched(fake: object) -> Any:
            return Watched(fake, self)

        return Deployment(
            config=CONFIG,
            record=cast("RecordStore", self.record),
            stacks=IncarnationStacks(client=watched(FakeCloudFormation(self)), deployment=DEPLOYMENT, role="role"),
            clusters=Clusters(client=watched(FakeEmr(self)), deployment=DEPLOYMENT),
            front_door=FrontDoor(client=watched(FakeLoadBalancing(self)), config=CONFIG),
            probers=Probers(client=watched(FakeProbers(self)), probers=CONFIG.probers),
            executions=Executions(
                client=watched(FakeStateMachines(self)), operation_machine=OPERATIONS, retirement_machine=RETIREMENTS
            ),
            notices=Notices(client=watched(FakeTopics(self)), topic=CONFIG.alert_topic, deployment=DEPLOYMENT),
            stack_answers=watched(FakeStackAnswers(self)),
        )

    # What tests set up.

    def create_managed_cluster(self, *, spec: str = SPEC) -> None:
        self.put(ManagedCluster(name="a", spec=spec).to_item())

    def put(self, item: dict[str, Any]) -> None:
        self.record.items[item["kind"], item["id"]] = item

    def request(self, kind: str, operation: str, *, reason: str = "bootstrap", **extra: Any) -> dict[str, Any]:
        """An operation's request, whose item asks for an answer as CloudFormation does if *answered* is given."""
        return {
            "operation": operation,
            "kind": kind,
            "reason": reason,
            "managed_cluster": "a",
            "incident": None,
            **extra,
        }

    def expect_answer(self, operation: str, request: Mapping[str, Any], *, spec: str | None = None) -> None:
        answer = Answer(
            response_url=f"https://answers/{operation}",
            stack_id="stack",
            request_id=operation,
            logical_resource_id="A",
            physical_resource_id=f"{DEPLOYMENT}/a",
        )
        item = Operation(id=operation, request=json.dumps(request), managed_cluster="a", spec=spec, answer=answer)
        self.put(item.to_item())

    def kill_primary(self, generation: int) -> Cluster:
        """The primary dies: no service answers, the load balancer sees it, containers elsewhere live on."""
        cluster = self.cluster(generation)
        self.unhealthy.add(cluster.address)
        cluster.rm_reachable = False
        return cluster

    # What tests look at.

    def cluster(self, generation: int) -> Cluster:
        return next(each for each in self.clusters.values() if each.name.endswith(f"-g{generation}"))

    def incarnation(self, generation: int) -> Incarnation:
        return Incarnation.from_item(self._item(Incarnation.key(generation)))

    def operation(self, operation: str) -> Operation:
        return Operation.from_item(self._item(Operation.key(operation)))

    def managed_cluster(self) -> ManagedCluster:
        return ManagedCluster.from_item(self._item(ManagedCluster.key("a")))

    def _item(self, key: Mapping[str, str]) -> dict[str, Any]:
        return self.record.items[key["kind"], key["id"]]

    def stack_status(self, stack: Stack) -> str:
        cluster = stack.cluster
        ended = cluster is None or self.cluster_state(cluster).startswith("TERMINATED")
        if stack.deleting:
            if cluster is not None and cluster.protected and not ended:
                return "DELETE_FAILED"
            return "DELETE_COMPLETE" if ended else "DELETE_IN_PROGRESS"
        if cluster is not None and self.cluster_state(cluster).startswith("TERMINATED") and cluster.fails:
            return "DELETE_COMPLETE"  # OnFailure=DELETE
        if cluster is None or self.cluster_state(cluster) in ("STARTING", "BOOTSTRAPPING", "RUNNING"):
            return "CREATE_IN_PROGRESS"
        return "CREATE_COMPLETE"

    def cluster_state(self, cluster: Cluster) -> str:
        now = self.clock.now
        if cluster.ended_at is not None:
            return "TERMINATED" if now >= cluster.ended_at + self.TERMINATION_SECONDS else "TERMINATING"
        age = now - cluster.started
        if cluster.fails:
            return "TERMINATED_WITH_ERRORS" if age >= 30 else "STARTING"
        if age >= self.LAUNCH_SECONDS:
            return "WAITING"
        return "STARTING" if age < 60 else "BOOTSTRAPPING" if age < 400 else "RUNNING"

    def health(self, target_group: str) -> dict[str, str]:
        """State of each target, as DescribeTargetHealth answers."""
        return {
            address: "unhealthy"
            if address in self.unhealthy
            else "healthy"
            if self.clock.now >= registered + self.HEALTHY_SECONDS
            else "initial"
            for address, registered in self.targets.get(target_group, {}).items()
        }

    def see_evidence(self, generation: int, verdict: Verdict, *, zones: tuple[str, ...] = ZONES) -> None:
        """The last rounds of the probers in *zones* all saw *verdict*."""
        readings = {service: Reading(verdict=verdict, detail=str(verdict)) for service in Service}
        self.record.seen[f"g{generation:06d}"] = [
            Evidence(
                incarnation=f"g{generation:06d}",
                observer=prober_observer(zone),
                observed_at=self.clock.now - 10 * back - 1,
                services=readings,
                front_door=True,
            ).to_item(round_seconds=10)
            for zone in zones
            for back in range(4)
        ]

    # What machines do.

    def execution(self, machine: str, name: str) -> str:
        return f"{machine.replace('stateMachine', 'execution')}:{name}"

    def step(self, machine: str, step: str, request: Mapping[str, Any]) -> Any:
        """One call of a step."""
        name = request["operation"] if machine == "operation" else request["retirement"]
        event = StepEvent(
            machine=machine,
            step=step,
            request=request,
            execution=self.execution(OPERATIONS if machine == "operation" else RETIREMENTS, name),
            entered=self.clock.now,
        )
        return run_step(self.deployment, event)

    def run_operation(self, request: Mapping[str, Any], *, until: str | None = None, twice: bool = False) -> str:
        """Run the operation machine; answer the name of its last state, or *until* before that state is entered."""
        name = self.execution(OPERATIONS, request["operation"])
        self.executions[name] = {"status": "RUNNING", "input": json.dumps({"request": dict(request)})}
        steps = [*OperationStep]
        position, end = 0, ""
        while not end:
            step: str = steps[position]
            if step == until:
                return step
            status = self._until_answer("operation", step, request, OPERATION_WAIT_SECONDS[step], twice=twice)
            if status == "done":
                position += 1
                end = "CutOverDone" if position == len(steps) else ""
            elif status in ("cancelled", "repaired"):
                end = status.capitalize()
            elif position < steps.index(OperationStep.FENCE):
                self._until_answer("operation", ROLL_BACK, request, OPERATION_WAIT_SECONDS[ROLL_BACK], twice=twice)
                end = "Failed"
            else:
                end = "Failed"
        self.executions[name]["status"] = "FAILED" if end == "Failed" else "SUCCEEDED"
        return end

    def run_retirement(self, request: Mapping[str, Any], *, until: str | None = None, twice: bool = False) -> str:
        """Run the retirement machine; answer ``Retired``, or *until* before that state is entered."""
        for step in RetirementStep:
            if step == until:
                return step
            status = self._until_answer("retirement", step, request, RETIREMENT_WAIT_SECONDS[step], twice=twice)
            assert status == "done"
        return "Retired"

    def run_started_retirements(self, *, twice: bool = False) -> None:
        """Run every retirement that was started and not run yet."""
        for execution in list(self.executions.values()):
            if execution.get("machine") == RETIREMENTS and execution["status"] == "RUNNING":
                self.run_retirement(json.loads(execution["input"])["request"], twice=twice)
                execution["status"] = "SUCCEEDED"

    def _until_answer(
        self, machine: str, step: str, request: Mapping[str, Any], wait_seconds: int, *, twice: bool
    ) -> str:
        message = ""
        for _ in range(400):
            self._look_around()
            answer = self._call(machine, step, request)
            if twice:
                answer = self._call(machine, step, request)
            if answer.status != "wait":
                return str(answer.status)
            message = answer.message
            self.clock.now += wait_seconds
        raise TooLongError(f"{step} kept waiting: {message}")

    def _call(self, machine: str, step: str, request: Mapping[str, Any]) -> Any:
        """Call a step as the machine does: one that raised is called again."""
        try:
            return self.step(machine, step, request)
        except LostAnswerError:
            self.clock.now += 5
            return self.step(machine, step, request)

    def _look_around(self) -> None:
        """Probers see what is healthy and what is not, of incarnations that have an address."""
        for incarnation in self.deployment.record.incarnations():
            if incarnation.live and incarnation.primary_address is not None:
                bad = incarnation.primary_address in self.unhealthy
                self.see_evidence(incarnation.generation, Verdict.UNHEALTHY if bad else Verdict.HEALTHY)

    def count(self) -> None:
        """Count a call that changed something, and lose its answer if the test wants that."""
        self.calls += 1
        if self.lose_call == self.calls:
            raise LostAnswerError(f"call {self.calls}")


_READS = ("describe_", "list_", "get_", "exceptions")


class Watched:
    """A client whose changing calls are counted."""

    def __init__(self, fake: object, world: World) -> None:
        self._fake, self._world = fake, world

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._fake, name)
        if name.startswith(_READS) or not callable(attribute):
            return attribute

        def call(*arguments: Any, **keywords: Any) -> Any:
            answer = attribute(*arguments, **keywords)
            self._world.count()
            return answer

        return call


class _Exceptions:
    AlreadyExistsException = AlreadyExistsException
    InvalidRequestException = InvalidRequestException
    ExecutionAlreadyExists = ExecutionAlreadyExists
    ExecutionDoesNotExist = ExecutionDoesNotExist


@dataclass
class _Fake:
    world: World
    exceptions = _Exceptions


class FakeCloudFormation(_Fake):
    """Stacks with one cluster each."""

    def create_stack(self, **request: Any) -> dict[str, str]:
        world = self.world
        name = request["StackName"]
        if any(each.name == name and not self._gone(each) for each in world.stacks.values()):
            raise AlreadyExistsException(
                {"Error": {"Code": "AlreadyExistsException", "Message": f"Stack [{name}] already exists"}},
                "CreateStack",
            )
        stack = Stack(
            stack_id=f"arn:stack/{name}/{len(world.stacks)}",
            name=name,
            tags={tag["Key"]: tag["Value"] for tag in request["Tags"]},
            parameters={each["ParameterKey"]: each["ParameterValue"] for each in request["Parameters"]},
            cluster=None,
            created=world.clock.now,
        )
        assert request["OnFailure"] == "DELETE"
        world.stacks[stack.stack_id] = stack
        return {"StackId": stack.stack_id}

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
        stack = self._find(StackName)
        status = self.world.stack_status(stack)
        tags = [{"Key": key, "Value": value} for key, value in stack.tags.items()]
        return {"Stacks": [{"StackId": stack.stack_id, "StackName": stack.name, "StackStatus": status, "Tags": tags}]}

    def describe_stack_resource(self, *, StackName: str, LogicalResourceId: str) -> dict[str, Any]:
        assert LogicalResourceId == "Cluster"
        stack = self._find(StackName)
        if stack.cluster is None and not stack.deleting:
            age = self.world.clock.now - stack.created
            if age >= self.world.STACK_TO_CLUSTER_SECONDS:
                stack.cluster = self._start_cluster(stack)
        if stack.cluster is None:
            raise client_error("ValidationError", f"Resource Cluster does not exist for stack {stack.name}")
        return {"StackResourceDetail": {"PhysicalResourceId": stack.cluster.cluster_id}}

    def delete_stack(self, *, StackName: str) -> None:
        stack = self._find(StackName)
        stack.deletions += 1
        if self.world.delete_fails:
            self.world.delete_fails -= 1
            return
        stack.deleting = True
        if stack.cluster is not None and not stack.cluster.protected and stack.cluster.ended_at is None:
            stack.cluster.ended_at = self.world.clock.now

    def get_paginator(self, name: str) -> Any:
        assert name == "list_stacks"
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        yield {
            "StackSummaries": [{"StackName": each.name} for each in self.world.stacks.values() if not self._gone(each)]
        }

    def _gone(self, stack: Stack) -> bool:
        return self.world.stack_status(stack) == "DELETE_COMPLETE"

    def _find(self, name: str) -> Stack:
        by_name = [each for each in self.world.stacks.values() if each.name == name and not self._gone(each)]
        found = self.world.stacks.get(name) or (by_name[0] if by_name else None)
        if found is None:
            raise client_error("ValidationError", f"Stack with id {name} does not exist")
        return found

    def _start_cluster(self, stack: Stack) -> Cluster:
        world = self.world
        zone = stack.parameters["SubnetId"].removeprefix("subnet-")
        generation = int(stack.parameters["Generation"])
        cluster = Cluster(
            cluster_id=f"j-{generation}",
            name=stack.name,
            tags=stack.tags,
            address=f"10.0.{ZONES.index(zone) + 1}.{generation}",
            started=stack.created + world.STACK_TO_CLUSTER_SECONDS,
            fails="INSUFFICIENT_CAPACITY" if zone in world.broken_zones else "",
            first_id=int(stack.parameters["FirstId"]),
            bad_seed=world.bad_seed,
            canary_state=world.canary_state,
        )
        world.clusters[cluster.cluster_id] = cluster
        return cluster


class FakeEmr(_Fake):
    """Clusters by the clock."""

    def describe_cluster(self, *, ClusterId: str) -> dict[str, Any]:
        cluster = self.world.clusters.get(ClusterId)
        if cluster is None:
            raise InvalidRequestException(
                {"Error": {"Code": "InvalidRequestException", "Message": f"Cluster id '{ClusterId}' is not valid."}},
                "DescribeCluster",
            )
        tags = [{"Key": key, "Value": value} for key, value in cluster.tags.items()]
        reason = {"Code": "VALIDATION_ERROR", "Message": cluster.fails} if cluster.fails else {}
        state = self.world.cluster_state(cluster)
        return {
            "Cluster": {"Name": cluster.name, "Tags": tags, "Status": {"State": state, "StateChangeReason": reason}}
        }

    def list_instances(self, *, ClusterId: str, **_: Any) -> dict[str, Any]:
        return {"Instances": [{"PrivateIpAddress": self.world.clusters[ClusterId].address}]}

    def set_termination_protection(self, *, JobFlowIds: list[str], TerminationProtected: bool) -> None:
        self.world.clusters[JobFlowIds[0]].protected = TerminationProtected

    def terminate_job_flows(self, *, JobFlowIds: list[str]) -> None:
        cluster = self.world.clusters[JobFlowIds[0]]
        assert not cluster.protected
        self.world.terminated.append(cluster.name)
        if cluster.ended_at is None:
            cluster.ended_at = self.world.clock.now


class FakeLoadBalancing(_Fake):
    """Target groups and rules; asserts that nobody healthy leaves the balanced group before somebody else serves."""

    def register_targets(self, *, TargetGroupArn: str, Targets: list[dict[str, Any]]) -> None:
        self.world.targets.setdefault(TargetGroupArn, {}).setdefault(Targets[0]["Id"], self.world.clock.now)

    def deregister_targets(self, *, TargetGroupArn: str, Targets: list[dict[str, Any]]) -> None:
        address = Targets[0]["Id"]
        self.world.deregistered.append((TargetGroupArn, address, self.world.health(TargetGroupArn)))
        self.world.targets.get(TargetGroupArn, {}).pop(address, None)

    def describe_target_health(self, *, TargetGroupArn: str) -> dict[str, Any]:
        return {
            "TargetHealthDescriptions": [
                {"Target": {"Id": address}, "TargetHealth": {"State": state}}
                for address, state in self.world.health(TargetGroupArn).items()
            ]
        }

    def modify_rule(self, *, RuleArn: str, Conditions: list[dict[str, Any]]) -> None:
        self.world.rules[RuleArn] = Conditions


class FakeProbers(_Fake):
    """Probers that know the clusters."""

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        if FunctionName in self.world.dead_probers:
            raise client_error("ServiceException", f"{FunctionName} is away", "Invoke")
        request = json.loads(Payload)
        action: Callable[[dict[str, Any]], dict[str, Any]] = getattr(self, f"_{request['action']}")
        return {"Payload": io.BytesIO(json.dumps(action(request)).encode())}

    def _canary(self, request: dict[str, Any]) -> dict[str, Any]:
        cluster = self._at(request["address"])
        batch_id = 0 if cluster.bad_seed else cluster.first_id
        return {"id": batch_id, "state": cluster.canary_state, "app_id": "application_1_0001", "name": request["name"]}

    def _route(self, request: dict[str, Any]) -> dict[str, Any]:
        prefix = request["id"] // 1_000_000
        taken = any(f"/{prefix}[0-9]" in json.dumps(conditions) for conditions in self.world.rules.values())
        return {"ok": taken, "addresses": {"10.0.9.9": "ok" if taken else "answered 410"}}

    def _kill_applications(self, request: dict[str, Any]) -> dict[str, Any]:
        cluster = self._at(request["address"])
        if not cluster.rm_reachable:
            return {"reachable": False, "running": []}
        cluster.applications.clear()
        return {"reachable": True, "running": []}

    def _at(self, address: str) -> Cluster:
        return next(each for each in self.world.clusters.values() if each.address == address)


class FakeStateMachines(_Fake):
    """Executions by name."""

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> None:
        execution = self.world.execution(stateMachineArn, name)
        known = self.world.executions.get(execution)
        if known is not None and (known["status"] != "RUNNING" or known["input"] != input):
            raise ExecutionAlreadyExists(
                {"Error": {"Code": "ExecutionAlreadyExists", "Message": name}}, "StartExecution"
            )
        self.world.executions.setdefault(
            execution, {"status": "RUNNING", "input": input, "machine": stateMachineArn, "name": name}
        )

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:
        if executionArn not in self.world.executions:
            raise ExecutionDoesNotExist(
                {"Error": {"Code": "ExecutionDoesNotExist", "Message": executionArn}}, "DescribeExecution"
            )
        return self.world.executions[executionArn]

    def stop_execution(self, *, executionArn: str, **_: Any) -> None:
        self.world.executions[executionArn]["status"] = "ABORTED"

    def get_paginator(self, name: str) -> Any:
        assert name == "list_executions"
        return self

    def paginate(self, *, stateMachineArn: str, statusFilter: str) -> Iterator[dict[str, Any]]:
        yield {
            "executions": [
                {"executionArn": arn}
                for arn, execution in self.world.executions.items()
                if execution["status"] == statusFilter and arn.startswith(self.world.execution(stateMachineArn, ""))
            ]
        }


class FakeTopics(_Fake):
    """Messages that people got."""

    def publish(self, *, TopicArn: str, Subject: str, Message: str) -> None:
        self.world.notices.append({"topic": TopicArn, "subject": Subject, "message": Message})


class FakeStackAnswers(_Fake):
    """Answers that CloudFormation got."""

    def send(self, answer: Answer, *, succeeded: bool, reason: str, data: Mapping[str, str] | None = None) -> None:
        self.world.answers.append(
            {"request": answer.request_id, "succeeded": succeeded, "reason": reason, "data": dict(data or {})}
        )


def rule_of(generation: int) -> str:
    """What the id rule of a generation's slot contains."""
    return f"/{prefix_of(generation)}[0-9]"


def ids_of(generation: int) -> int:
    """The first id of a generation."""
    return first_id(prefix_of(generation))
