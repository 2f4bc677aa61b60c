"""Clients that answer from a world, as small as the calls that the controller makes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn, cast

from botocore.exceptions import ClientError

from dr_core.evidence import Evidence, Reading, Service, Verdict, look_to_dict, prober_observer
from dr_core.record import Answer
from dr_core.routing import unused_header_conditions, unused_id_conditions

from .parts import ZONES, Cluster, Stack, Step

if TYPE_CHECKING:
    from .world import World


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


_READS = ("describe_", "list_", "get_", "exceptions")


class Watched:
    """A client whose changing calls are counted, and whose calls fail that the world says fail."""

    def __init__(self, fake: object, world: World) -> None:
        self._fake, self._world = fake, world

    def __getattr__(self, name: str) -> Any:
        if name in self._world.broken:
            return self._fail
        attribute = getattr(self._fake, name)
        if name.startswith(_READS) or not callable(attribute):
            return attribute

        def call(*arguments: Any, **keywords: Any) -> Any:
            answer = attribute(*arguments, **keywords)
            self._world.count()
            return answer

        return call

    def _fail(self, *_: Any, **__: Any) -> NoReturn:
        raise client_error("ThrottlingException", "Rate exceeded")


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
            world.about_to_exist.discard(name)
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
        if StackName in self.world.about_to_exist:
            raise client_error("ValidationError", f"Stack with id {StackName} does not exist")
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

    def describe_stack_events(self, *, StackName: str) -> dict[str, Any]:
        """The newest first."""
        return {"StackEvents": list(reversed(self._find(StackName).events))}

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
            tags={key: value for key, value in stack.tags.items() if key not in world.tags_kept_back},
            address=f"10.0.{ZONES.index(zone) + 1}.{generation}",
            started=stack.created + world.STACK_TO_CLUSTER_SECONDS,
            fails="INSUFFICIENT_CAPACITY" if zone in world.broken_zones else "",
            first_id=int(stack.parameters["FirstId"]),
            bad_seed=world.bad_seed,
            canary_state=world.canary_state,
            limits=_limits(stack.parameters),
            fleets="MaximumUnits" in stack.parameters,
        )
        world.clusters[cluster.cluster_id] = cluster
        return cluster


def _limits(parameters: Mapping[str, str]) -> dict[str, Any] | None:
    """The policy of managed scaling that the template makes of its parameters."""
    if "MaximumUnits" in parameters:
        return {
            "UnitType": "InstanceFleetUnits",
            **{
                f"{name}CapacityUnits": int(parameters[f"{name}Units"])
                for name in ("Minimum", "Maximum", "MaximumCore", "MaximumOnDemand")
            },
        }
    if "MaximumInstances" not in parameters:
        return None
    minimum, maximum = int(parameters["MinimumInstances"]), int(parameters["MaximumInstances"])
    return compute_limits(minimum, maximum)


def compute_limits(minimum: int, maximum: int, **others: Any) -> dict[str, Any]:
    """``ComputeLimits`` as we set them."""
    return {
        "UnitType": "Instances",
        "MinimumCapacityUnits": minimum,
        "MaximumCapacityUnits": maximum,
        "MaximumCoreCapacityUnits": maximum,
        "MaximumOnDemandCapacityUnits": maximum,
        **others,
    }


GROUPS_OF_PRIMARY = {"InstanceGroupTypes": ["MASTER"]}


class FakeEmr(_Fake):
    """Clusters and their steps by the clock."""

    meta = SimpleNamespace(region_name="us-east-1")

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
            "Cluster": {
                "Name": cluster.name,
                "Tags": tags,
                "Status": {"State": state, "StateChangeReason": reason},
                "InstanceCollectionType": "INSTANCE_FLEET" if cluster.fleets else "INSTANCE_GROUP",
            }
        }

    def list_instances(self, *, ClusterId: str, InstanceStates: Sequence[str], **filters: Any) -> dict[str, Any]:
        wanted = {"InstanceFleetType": "MASTER"} if self.world.clusters[ClusterId].fleets else GROUPS_OF_PRIMARY
        if filters != wanted:
            raise client_error("InvalidRequestException", "Instance fleets and instance groups are mutually exclusive.")
        assert {"BOOTSTRAPPING", "RUNNING"} <= set(InstanceStates)
        return {"Instances": [{"PrivateIpAddress": self.world.clusters[ClusterId].address}]}

    def set_termination_protection(self, *, JobFlowIds: list[str], TerminationProtected: bool) -> None:
        self.world.clusters[JobFlowIds[0]].protected = TerminationProtected

    def terminate_job_flows(self, *, JobFlowIds: list[str]) -> None:
        cluster = self.world.clusters[JobFlowIds[0]]
        assert not cluster.protected
        self.world.terminated.append(cluster.name)
        if cluster.ended_at is None:
            cluster.ended_at = self.world.clock.now

    def get_managed_scaling_policy(self, *, ClusterId: str) -> dict[str, Any]:
        limits = self.world.clusters[ClusterId].limits
        return {} if limits is None else {"ManagedScalingPolicy": {"ComputeLimits": limits}}

    def put_managed_scaling_policy(self, *, ClusterId: str, ManagedScalingPolicy: dict[str, Any]) -> None:
        cluster = self._changeable(ClusterId)
        limits = ManagedScalingPolicy["ComputeLimits"]
        if (limits["UnitType"] == "InstanceFleetUnits") != cluster.fleets:
            raise client_error("ValidationException", "UnitType does not fit the cluster's instances.")
        cluster.limits = limits

    def add_tags(self, *, ResourceId: str, Tags: list[dict[str, str]]) -> None:
        tags = {**self._changeable(ResourceId).tags, **{tag["Key"]: tag["Value"] for tag in Tags}}
        if len(tags) > 50:
            raise client_error("InvalidRequestException", "A resource has at most 50 tags.")
        self._changeable(ResourceId).tags.update(tags)

    def remove_tags(self, *, ResourceId: str, TagKeys: list[str]) -> None:
        for key in TagKeys:
            del self._changeable(ResourceId).tags[key]

    def _changeable(self, cluster_id: str) -> Cluster:
        cluster = self.world.clusters[cluster_id]
        if self.world.cluster_state(cluster).startswith("TERMINAT"):
            raise client_error("ValidationException", "A job flow that is shutting down may not be modified.")
        return cluster

    def add_job_flow_steps(self, *, JobFlowId: str, Steps: list[dict[str, Any]]) -> dict[str, Any]:
        cluster = self.world.clusters[JobFlowId]
        (asked,) = Steps
        assert asked["ActionOnFailure"] == "CONTINUE"
        step = Step(
            step_id=f"s-{JobFlowId}-{len(cluster.steps) + 1}",
            name=asked["Name"],
            arguments=asked["HadoopJarStep"]["Args"],
            created=self.world.clock.now,
            end=self.world.step_end,
        )
        cluster.steps.append(step)
        return {"StepIds": [step.step_id]}

    def describe_step(self, *, ClusterId: str, StepId: str) -> dict[str, Any]:
        self.world.let_steps_work()
        steps = self.world.clusters[ClusterId].steps
        return {"Step": self._described(next(each for each in steps if each.step_id == StepId))}

    def cancel_steps(self, *, ClusterId: str, StepIds: list[str]) -> dict[str, Any]:
        (step_id,) = StepIds
        step = next(each for each in self.world.clusters[ClusterId].steps if each.step_id == step_id)
        assert self.world.step_state(step) in ("PENDING", "CANCELLED"), "what runs is not interrupted"
        if self.world.cancel_refused:
            info = {"StepId": step_id, "Status": "FAILED", "Reason": self.world.cancel_refused}
        else:
            step.cancelled = self.world.cancel_works
            info = {"StepId": step_id, "Status": "SUBMITTED"}
        return {"CancelStepsInfoList": [info]}

    def get_paginator(self, name: str) -> Any:
        return {"list_steps": self, "list_clusters": SimpleNamespace(paginate=self._list_clusters)}[name]

    def paginate(self, *, ClusterId: str) -> Iterator[dict[str, Any]]:
        """The newest first, one on a page."""
        for step in reversed(self.world.clusters[ClusterId].steps):
            yield {"Steps": [self._described(step)]}

    def _list_clusters(self, *, ClusterStates: list[str]) -> Iterator[dict[str, Any]]:
        for cluster in self.world.clusters.values():
            if self.world.cluster_state(cluster) in ClusterStates:
                yield {"Clusters": [{"Id": cluster.cluster_id, "Name": cluster.name}]}

    def _described(self, step: Step) -> dict[str, Any]:
        state = self.world.step_state(step)
        status: dict[str, Any] = {
            "State": state,
            "Timeline": {"CreationDateTime": datetime.fromtimestamp(step.created, tz=UTC)},
        }
        if state == "FAILED":
            status["FailureDetails"] = {"Reason": "Unknown Error.", "Message": "exit code 1"}
        return {"Id": step.step_id, "Name": step.name, "Status": status}


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

    def describe_rules(self, *, RuleArns: list[str]) -> dict[str, Any]:
        """Rules that nobody changed are those of free slots, as the template makes them."""
        return {"Rules": [{"RuleArn": rule, "Conditions": self._conditions(rule)} for rule in RuleArns]}

    def _conditions(self, rule: str) -> list[dict[str, Any]]:
        kind, number = rule.split("-")
        unused = unused_id_conditions if kind == "id" else unused_header_conditions
        return cast("list[dict[str, Any]]", self.world.rules.get(rule, unused(int(number))))

    def modify_rule(self, *, RuleArn: str, Conditions: list[dict[str, Any]]) -> None:
        self.world.rules[RuleArn] = Conditions


class FakeProbers(_Fake):
    """Probers that know the clusters."""

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        if FunctionName in self.world.dead_probers:
            raise client_error("ServiceException", f"{FunctionName} is away", "Invoke")
        request = json.loads(Payload)
        if request["action"] == "look":
            return {"Payload": io.BytesIO(json.dumps(self._look(FunctionName, request)).encode())}
        action: Callable[[dict[str, Any]], dict[str, Any]] = getattr(self, f"_{request['action']}")
        return {"Payload": io.BytesIO(json.dumps(action(request)).encode())}

    def _look(self, prober: str, request: dict[str, Any]) -> list[dict[str, Any]]:
        (address,) = request["addresses"]
        self.world.let_steps_work()
        bad = self.world.bad_services(address)
        verdicts = {service: Verdict.UNHEALTHY if service in bad else Verdict.HEALTHY for service in Service}
        evidence = Evidence(
            incarnation="",
            observer=prober_observer(prober.removeprefix("prober-")),
            observed_at=self.world.clock.now,
            services={service: Reading(verdict=verdict, detail="") for service, verdict in verdicts.items()},
            front_door=prober not in self.world.blind_probers,
        )
        return [look_to_dict(evidence, address=address)]

    def _canary(self, request: dict[str, Any]) -> dict[str, Any]:
        self.world.let_steps_work()
        cluster = self._at(request["address"])
        first = 0 if cluster.bad_seed else cluster.first_id
        taken = [number for number in cluster.canaries.values() if number // 1_000_000 == first // 1_000_000]
        batch_id = cluster.canaries.setdefault(request["name"], first + len(taken))
        return {"id": batch_id, "state": cluster.canary_state, "app_id": "application_1_0001", "name": request["name"]}

    def _route(self, request: dict[str, Any]) -> dict[str, Any]:
        rule = "/[0-9]{1,8}" if request["id"] < 10**8 else f"/{request['id'] // 1_000_000}[0-9]"
        taken = any(rule in json.dumps(conditions) for conditions in self.world.rules.values())
        return {"ok": taken, "addresses": {"10.0.9.9": "ok" if taken else "answered 410"}}

    def _kill_applications(self, request: dict[str, Any]) -> dict[str, Any]:
        cluster = self._at(request["address"])
        if not cluster.rm_reachable:
            return {"reachable": False, "running": [], "lost_nodes": None}
        if not cluster.stubborn:
            cluster.applications.clear()
        started = cluster.started if cluster.rm_started is None else cluster.rm_started
        return {
            "reachable": True,
            "running": cluster.applications,
            "lost_nodes": cluster.lost_nodes,
            "active_nodes": cluster.active_nodes,
            "started_on": round(started * 1000),
        }

    def _work(self, request: dict[str, Any]) -> dict[str, Any]:
        cluster = self._at(request["address"])
        ended = self.world.cluster_state(cluster).startswith("TERMINAT")
        silent = {
            "livy": ended or cluster.address in self.world.unhealthy,
            "resource_manager": ended or not cluster.rm_reachable,
        }
        return {
            "reachable": not any(silent.values()),
            "batches": [] if silent["livy"] else cluster.batches,
            "sessions": [] if silent["livy"] else cluster.sessions,
            "applications": [] if silent["resource_manager"] else cluster.applications,
            "unknown": {name: "connection refused" for name, away in silent.items() if away},
        }

    def _newest_id(self, request: dict[str, Any]) -> dict[str, Any]:
        address = request["address"]
        if address in self.world.unhealthy or all(each.address != address for each in self.world.clusters.values()):
            return {"error": "Livy: connection refused"}
        cluster = self._at(address)
        return {"id": cluster.newest_id or max(cluster.canaries.values(), default=None)}

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

    def stop_execution(self, *, executionArn: str, error: str, cause: str) -> None:
        execution = self.world.executions[executionArn]
        if execution["status"] == "RUNNING":
            execution.update(status="ABORTED", error=error, cause=cause)

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


class FakeCloudWatch(_Fake):
    """Metric alarms."""

    def describe_alarms(self, *, AlarmNames: list[str], AlarmTypes: list[str]) -> dict[str, Any]:
        assert AlarmTypes == ["MetricAlarm"]
        return {
            "MetricAlarms": [
                {"AlarmName": name, "StateValue": self.world.alarms[name], "StateReason": f"why {name}"}
                for name in AlarmNames
                if name in self.world.alarms
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
