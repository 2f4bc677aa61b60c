"""A small AWS in memory: what the controller's clients talk to in these tests.

Each service is as small as the calls that the controller makes.  Every client goes through :class:`Watched`, which
counts the calls that change something and can lose the answer of one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from dr_core.evidence import Evidence, Reading, Service, Verdict, healthy, prober_observer
from dr_core.id_ranges import prefix_of
from dr_core.record import Answer, Incarnation, ManagedCluster, Operation
from dr_core.steps import OPERATION_WAIT_SECONDS, RETIREMENT_WAIT_SECONDS, ROLL_BACK, OperationStep, RetirementStep
from failover.alarms import Alarms
from failover.calls import StepEvent
from failover.clusters import Clusters
from failover.deployment import Deployment
from failover.emr_steps import EmrSteps
from failover.executions import Executions
from failover.front_door import FrontDoor
from failover.handler import run_step
from failover.network_check import NetworkCheck
from failover.notices import Notices
from failover.probers import Probers
from failover.record_store import RecordStore
from failover.stacks import IncarnationStacks

from .fakes import (
    FakeCloudFormation,
    FakeCloudWatch,
    FakeEmr,
    FakeLoadBalancing,
    FakeProbers,
    FakeStackAnswers,
    FakeStateMachines,
    FakeTopics,
    Watched,
)
from .memory_record import MemoryRecord
from .parts import (
    CONFIG,
    DEPLOYMENT,
    NODES,
    OPERATIONS,
    RETIREMENTS,
    SPEC,
    ZONES,
    AtOnce,
    Clock,
    Cluster,
    LostAnswerError,
    Stack,
    Step,
    TooLongError,
)

# Most of what a replay does is to wait for a launch: a look each half minute is enough here.
WAIT_SECONDS: dict[str, int] = {**OPERATION_WAIT_SECONDS, OperationStep.LAUNCH: 30}


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
        self.livy_fails: set[str] = set()  # addresses where Livy alone does not answer
        self.restart_helps = True
        # Why EMR refuses to cancel a step, and whether a cancellation that it takes comes to anything.
        self.cancel_refused = ""
        self.cancel_works = True
        self.seed_helps = True
        self.step_end = "COMPLETED"
        self.executions: dict[str, dict[str, Any]] = {}
        self.alarms: dict[str, str] = {}  # states of CloudWatch's metric alarms, by name
        self.notices: list[dict[str, str]] = []
        self.answers: list[dict[str, Any]] = []
        self.broken_zones: set[str] = set()
        self.about_to_exist: set[str] = set()  # names of stacks that somebody makes right before we do
        self.bad_seed = False
        self.canary_state = "success"
        self.dead_probers: set[str] = set()
        self.blind_probers: set[str] = set()  # those that do not reach the front door either
        self.delete_fails = 0
        self.broken: set[str] = set()  # names of clients' calls that fail: errors of our own, which say nothing
        self.tags_kept_back: set[str] = set()  # tags of stacks that do not reach their cluster
        self.terminated: list[str] = []
        self.deregistered: list[tuple[str, str, dict[str, str]]] = []
        self.calls = 0
        self.lose_call: int | None = None
        self.record = MemoryRecord(self.count)
        self.deployment = self._deployment()

    def _deployment(self) -> Deployment:
        def watched(fake: object) -> Any:
            return Watched(fake, self)

        clusters = Clusters(client=watched(FakeEmr(self)), deployment=DEPLOYMENT)
        return Deployment(
            config=CONFIG,
            record=cast("RecordStore", self.record),
            stacks=IncarnationStacks(client=watched(FakeCloudFormation(self)), deployment=DEPLOYMENT, role="role"),
            clusters=clusters,
            emr_steps=EmrSteps(client=clusters.client, client_once=clusters.client, clusters=clusters),
            front_door=FrontDoor(client=watched(FakeLoadBalancing(self)), config=CONFIG),
            probers=Probers(client=watched(FakeProbers(self)), probers=CONFIG.probers),
            executions=Executions(
                client=watched(FakeStateMachines(self)), operation_machine=OPERATIONS, retirement_machine=RETIREMENTS
            ),
            notices=Notices(client=watched(FakeTopics(self)), topic=CONFIG.alert_topic, deployment=DEPLOYMENT),
            stack_answers=watched(FakeStackAnswers(self)),
            network=NetworkCheck(client=self._no_network),
            alarms=Alarms(client=watched(FakeCloudWatch(self))),
            pool=AtOnce(),
        )

    def _no_network(self) -> Any:
        raise AssertionError("no request of these tests says anything of the network")

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

    def hang_livy(self, generation: int) -> Cluster:
        """Livy stops answering; YARN and HDFS work on."""
        cluster = self.cluster(generation)
        self.livy_fails.add(cluster.address)
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

    def step_state(self, step: Step) -> str:
        age = self.clock.now - step.created
        if step.cancelled:
            return "CANCELLED"
        return "PENDING" if age < 5 else "RUNNING" if age < step.seconds else step.end

    def let_steps_work(self) -> None:
        """What scripts have done by now."""
        for cluster in self.clusters.values():
            for step in cluster.steps:
                if step.took_effect or self.step_state(step) != "COMPLETED":
                    continue
                step.took_effect = True
                if "restart-livy" in step.name and self.restart_helps:
                    self.livy_fails.discard(cluster.address)
                if "seed-livy" in step.name and self.seed_helps:
                    cluster.bad_seed = False

    def health(self, target_group: str) -> dict[str, str]:
        """State of each target, as DescribeTargetHealth answers."""
        self.let_steps_work()
        of_livy = target_group not in ("rm-a", "nn-a")
        return {
            address: "unhealthy"
            if address in self.unhealthy or (of_livy and address in self.livy_fails)
            else "healthy"
            if self.clock.now >= registered + self.HEALTHY_SECONDS
            else "initial"
            for address, registered in self.targets.get(target_group, {}).items()
        }

    def see_evidence(
        self,
        generation: int,
        verdict: Verdict,
        *,
        zones: tuple[str, ...] = ZONES,
        services: tuple[Service, ...] = tuple(Service),
    ) -> None:
        """The last rounds of the probers in *zones* all saw *verdict* of *services*, and the others healthy."""
        seen = {service: verdict if service in services else Verdict.HEALTHY for service in Service}
        readings = {service: Reading(verdict=each, detail=str(each)) for service, each in seen.items()}
        before = {Service.RESOURCE_MANAGER: healthy("active nodes", active_nodes=NODES)}
        self.record.seen[f"g{generation:06d}"] = [
            Evidence(
                incarnation=f"g{generation:06d}",
                observer=prober_observer(zone),
                observed_at=self.clock.now - seconds,
                services=before if seconds == 600 else readings,
                front_door=True,
            ).to_item(round_seconds=10)
            for zone in zones
            for seconds in (0, 10, 20, 30, 600)
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
            status = self._until_answer("operation", step, request, WAIT_SECONDS[step], twice=twice)
            if status == "done":
                position += 1
                end = "CutOverDone" if position == len(steps) else ""
            elif status in ("cancelled", "repaired", "refused"):
                end = status.capitalize()
            elif position < steps.index(OperationStep.FENCE):
                self._until_answer("operation", ROLL_BACK, request, WAIT_SECONDS[ROLL_BACK], twice=twice)
                end = "Failed"
            else:
                end = "Failed"
        self.executions[name]["status"] = "FAILED" if end in ("Failed", "Refused") else "SUCCEEDED"
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

    def wait_for(self, machine: str, step: str, request: Mapping[str, Any]) -> Any:
        """The first answer of a step that is not ``wait``, called as its machine calls it."""
        while (answer := self._looked(machine, step, request)).status == "wait":
            self.clock.now += WAIT_SECONDS.get(step, 60)
        return answer

    def _looked(self, machine: str, step: str, request: Mapping[str, Any]) -> Any:
        self._look_around()
        return self.step(machine, step, request)

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
        self.let_steps_work()
        for incarnation in self.deployment.record.incarnations():
            if incarnation.live and incarnation.primary_address is not None:
                bad = self.bad_services(incarnation.primary_address)
                verdict = Verdict.UNHEALTHY if bad else Verdict.HEALTHY
                self.see_evidence(incarnation.generation, verdict, services=bad)

    def bad_services(self, address: str) -> tuple[Service, ...]:
        """What of the primary at *address* does not answer."""
        if address in self.unhealthy:
            return tuple(Service)
        return (Service.LIVY,) if address in self.livy_fails else ()

    def count(self) -> None:
        """Count a call that changed something, and lose its answer if the test wants that."""
        self.calls += 1
        if self.lose_call == self.calls:
            raise LostAnswerError(f"call {self.calls}")


def rule_of(generation: int) -> str:
    """What the id rule of a generation's slot contains."""
    return f"/{prefix_of(generation)}[0-9]"
