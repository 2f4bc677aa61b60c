"""The fakes of :mod:`.fakes`, made meaner: clusters die, addresses are handed on, and invariants watch each call."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from dr_core.evidence import Service

from . import invariants, invariants_leaving, invariants_restraints, machine_jobs
from .fakes import FakeCloudFormation, FakeEmr, FakeLoadBalancing, FakeProbers, FakeStateMachines, client_error
from .gate import Gate
from .parts import Cluster, Stack

if TYPE_CHECKING:
    from .machine_world import MachineWorld

# An address is handed on when nobody can hold on to what he read before: longer than a function may take.
ADDRESS_KEPT_SECONDS = 400.0
_READS = ("describe_", "list_", "get_")


class Gated:
    """A client whose every call passes through the gate; the SDK makes none twice that has to happen *once*."""

    def __init__(self, fake: object, gate: Gate, *, once: bool = False) -> None:
        self._fake, self._gate, self._once = fake, gate, once

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what the copy of a world asks for before this has its attributes
            raise AttributeError(name)
        attribute = getattr(self._fake, name)
        if name == "exceptions" or not callable(attribute):
            return attribute
        if name == "get_paginator":
            return lambda of: _Pages(attribute(of), of, self._gate)
        changes = not name.startswith(_READS)

        def call(*arguments: Any, **keywords: Any) -> Any:
            return self._gate.call(
                name, lambda: attribute(*arguments, **keywords), changes=changes, repeats=not self._once
            )

        return call


class _Pages:
    """A paginator whose pages are one call."""

    def __init__(self, paginator: Any, name: str, gate: Gate) -> None:
        self._paginator, self._name, self._gate = paginator, name, gate

    def paginate(self, **keywords: Any) -> Any:
        return self._gate.call(self._name, lambda: list(self._paginator.paginate(**keywords)), changes=False)


class MachineCloudFormation(FakeCloudFormation):
    """Stacks that begin their cluster by themselves; hanging and failing ones as the world says."""

    world: MachineWorld  # pyright: ignore[reportIncompatibleVariableOverride]

    def create_stack(self, **request: Any) -> dict[str, str]:
        # As botocore validates it: numbers have to arrive as texts.
        for each in request["Parameters"]:
            if not isinstance(each["ParameterValue"], str):
                raise TypeError(f"Invalid type for parameter {each}")
        answer = super().create_stack(**request)
        self.world.hanging[answer["StackId"]] = self.world.hang_next
        self.world.hang_next = False
        invariants.after_create_stack(self.world, self.world.stacks[answer["StackId"]])
        return answer

    def delete_stack(self, *, StackName: str) -> None:
        try:
            stack = self._find(StackName)
        except ClientError:
            return None  # CloudFormation says nothing when there is no such stack
        invariants_leaving.before_delete_stack(self.world, stack)
        return super().delete_stack(StackName=StackName)

    def begin_clusters(self) -> None:
        world = self.world
        for stack in world.stacks.values():
            if stack.cluster is not None or stack.deleting or stack.stack_id in world.foreign_stacks:
                continue
            if world.clock.now - stack.created >= world.STACK_TO_CLUSTER_SECONDS:
                stack.cluster = self._start_cluster(stack)

    def _start_cluster(self, stack: Stack) -> Cluster:
        world = self.world
        plain = f"j-{int(stack.parameters['Generation'])}"
        known = world.clusters.get(plain)
        cluster = super()._start_cluster(stack)
        if known is not None:  # the same generation once more
            world.clusters[plain] = known
            cluster.cluster_id = f"{plain}-{len(world.clusters)}"
            world.clusters[cluster.cluster_id] = cluster
        zone = cluster.address.rpartition(".")[0]
        if world.hand_on_addresses:
            gone = world.clock.now - world.TERMINATION_SECONDS - ADDRESS_KEPT_SECONDS
            others = [each for each in world.clusters.values() if each is not cluster]
            kept = {each.address for each in others if each.ended_at is None or each.ended_at >= gone}
            free = [each.address for each in others if each.address not in kept and each.address.startswith(f"{zone}.")]
            if free:
                cluster.address = free[-1]
                world.forget_faults(cluster.address)
        world.addresses_changed()
        world.hanging_clusters[cluster.cluster_id] = world.hanging.get(stack.stack_id, False)
        return cluster


class MachineEmr(FakeEmr):
    """Says why a cluster ended, and has no address for one that did."""

    world: MachineWorld  # pyright: ignore[reportIncompatibleVariableOverride]

    def describe_cluster(self, *, ClusterId: str) -> dict[str, Any]:
        answer = super().describe_cluster(ClusterId=ClusterId)
        cluster = self.world.clusters[ClusterId]
        if cluster.ended_at is not None:
            code = self.world.ended_because.get(ClusterId, "USER_REQUEST")
            answer["Cluster"]["Status"]["StateChangeReason"] = {"Code": code, "Message": "ended"}
        return answer

    def list_instances(self, *, ClusterId: str, **request: Any) -> dict[str, Any]:
        if self.world.clusters[ClusterId].ended_at is not None:
            return {"Instances": []}
        return super().list_instances(ClusterId=ClusterId, **request)

    def set_termination_protection(self, *, JobFlowIds: list[str], TerminationProtected: bool) -> None:
        invariants_leaving.before_touching(self.world, self.world.clusters[JobFlowIds[0]], "protection")
        super().set_termination_protection(JobFlowIds=JobFlowIds, TerminationProtected=TerminationProtected)

    def put_managed_scaling_policy(self, *, ClusterId: str, ManagedScalingPolicy: dict[str, Any]) -> None:
        invariants_leaving.before_touching(self.world, self.world.clusters[ClusterId], "limits")
        super().put_managed_scaling_policy(ClusterId=ClusterId, ManagedScalingPolicy=ManagedScalingPolicy)

    def terminate_job_flows(self, *, JobFlowIds: list[str]) -> None:
        cluster = self.world.clusters[JobFlowIds[0]]
        if cluster.protected:
            raise client_error("ValidationException", "cluster is protected", "TerminateJobFlows")
        invariants_leaving.before_touching(self.world, cluster, "termination")
        invariants_leaving.before_ending(self.world, cluster)
        self.world.requested.setdefault(cluster.cluster_id, self.world.clock.now)
        super().terminate_job_flows(JobFlowIds=JobFlowIds)


class MachineLoadBalancing(FakeLoadBalancing):
    """Watches who leaves."""

    world: MachineWorld  # pyright: ignore[reportIncompatibleVariableOverride]

    def register_targets(self, *, TargetGroupArn: str, Targets: list[dict[str, Any]]) -> None:
        invariants_leaving.before_joining(self.world, TargetGroupArn, Targets[0]["Id"])
        super().register_targets(TargetGroupArn=TargetGroupArn, Targets=Targets)

    def modify_rule(self, *, RuleArn: str, Conditions: list[dict[str, Any]]) -> None:
        super().modify_rule(RuleArn=RuleArn, Conditions=Conditions)
        self.world.rules_changed()

    def deregister_targets(self, *, TargetGroupArn: str, Targets: list[dict[str, Any]]) -> None:
        address = Targets[0]["Id"]
        invariants_leaving.before_leaving(self.world, TargetGroupArn, address)
        was_there = self.world.targets.get(TargetGroupArn, {}).pop(address, None) is not None
        if was_there and TargetGroupArn == "balanced":
            machine_jobs.after_leaving(self.world, address)


class MachineProbers(FakeProbers):
    """Probers that meet whoever lives at an address now."""

    world: MachineWorld  # pyright: ignore[reportIncompatibleVariableOverride]

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        try:
            return super().invoke(FunctionName=FunctionName, Payload=Payload)
        except _NobodyThereError as error:
            answer = {
                **{"error": str(error), "reachable": False, "running": [], "ok": False},
                **{"batches": [], "sessions": [], "applications": []},
                "unknown": {"livy": str(error), "resource_manager": str(error)},
            }
            return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    def _route(self, request: dict[str, Any]) -> dict[str, Any]:
        found = self.world.routes(int(request["id"]))
        clusters = [self.world.living(each) for each in found]
        prefix = int(request["id"]) // 1_000_000
        right = bool(found) and all(each is not None and each.first_id // 1_000_000 == prefix for each in clusters)
        answer = "ok" if right else f"answered by {', '.join(found)}"
        return {"ok": right, "addresses": {"10.0.9.9": answer}}

    def _work(self, request: dict[str, Any]) -> dict[str, Any]:
        cluster = self._at(request["address"])
        silent = {
            "livy": Service.LIVY in self.world.bad_services(cluster.address),
            "resource_manager": not cluster.rm_reachable,
        }
        return {
            "reachable": not any(silent.values()),
            "batches": [] if silent["livy"] else cluster.batches,
            "sessions": [] if silent["livy"] else cluster.sessions,
            "applications": [] if silent["resource_manager"] else cluster.applications,
            "unknown": {name: "connection refused" for name, away in silent.items() if away},
        }

    def _kill_applications(self, request: dict[str, Any]) -> dict[str, Any]:
        invariants_leaving.before_killing(self.world, self._at(request["address"]))
        return super()._kill_applications(request)

    def _at(self, address: str) -> Cluster:
        # The clock may have moved since the world was last looked at: what has come by now is seen.
        machine_jobs.go_on(self.world)
        cluster = self.world.living(address)
        state = self.world.cluster_state(cluster) if cluster is not None else ""
        down = state == "TERMINATING" and self.world.ends_at_once
        if cluster is None or down or address in self.world.unhealthy:
            raise _NobodyThereError(f"nobody answers at {address}")
        return cluster


class MachineStateMachines(FakeStateMachines):
    """Looks at the names and inputs as Step Functions does."""

    world: MachineWorld  # pyright: ignore[reportIncompatibleVariableOverride]

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> Any:
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name), name
        arn = self.world.execution(stateMachineArn, name)
        known = arn in self.world.executions
        super().start_execution(stateMachineArn=stateMachineArn, name=name, input=input)
        if not known:
            invariants_restraints.after_start(self.world, name, json.loads(input)["request"])
        return {"executionArn": arn}


class _NobodyThereError(Exception):
    pass
