"""``AWS::EMR::Cluster``: made by a call of RunJobFlow, complete when the cluster waits, gone when it is terminated.

Which state completes the resource on AWS is not documented; WAITING is an assumption (docs/assumptions.md).  moto 5.2.5
drops groups, applications, steps and termination protection of a cluster that a template asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import Shape
from moto.core.common_models import CloudFormationModel

from emr_drill.authorization.needs import needs_of, run_job_flow_needs
from emr_drill.timing import Event

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn

TYPE = "AWS::EMR::Cluster"
RUN, TERMINATE = "elasticmapreduce:RunJobFlow", "elasticmapreduce:TerminateJobFlows"
# CloudFormation's handlers repeat a throttled call for a while; how long is not documented.  Simulated seconds.
THROTTLED_PAUSE_SECONDS, THROTTLED_LIMIT_SECONDS = 10.0, 300.0
# The template's names of members that the API calls otherwise.
API_NAMES = {"ConfigurationProperties": "Properties", "StepProperties": "Properties"}
GROUPS = {"MasterInstanceGroup": "MASTER", "CoreInstanceGroup": "CORE"}
FLEETS = {"MasterInstanceFleet": "MASTER", "CoreInstanceFleet": "CORE"}


class UnknownProperty(Exception):
    """A template's property that RunJobFlow does not have; the message names it."""


def run_job_flow_request(properties: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    """The request of RunJobFlow that makes what a template asks for.

    Args:
        properties: of the resource, resolved.
        shape: RunJobFlow's input shape in botocore's model.

    Raises:
        UnknownProperty: the API has no such member.
    """
    instances = dict(properties["Instances"])
    groups = [{**instances.pop(key), "InstanceRole": role} for key, role in GROUPS.items() if key in instances]
    groups += [{**group, "InstanceRole": "TASK"} for group in instances.pop("TaskInstanceGroups", [])]
    fleets = [{**instances.pop(key), "InstanceFleetType": role} for key, role in FLEETS.items() if key in instances]
    fleets += [{**fleet, "InstanceFleetType": "TASK"} for fleet in instances.pop("TaskInstanceFleets", [])]
    if groups:
        instances["InstanceGroups"] = groups
    if fleets:
        instances["InstanceFleets"] = fleets
    instances.setdefault("KeepJobFlowAliveWhenNoSteps", True)  # the template's default is the API's opposite
    request: dict[str, Any] = _as_shape(shape, {**properties, "Instances": instances}, TYPE)
    return request


def _as_shape(shape: Any, value: Any, where: str) -> Any:
    """Templates carry text where the API wants numbers and truth values."""
    if shape.type_name == "structure" and isinstance(value, Mapping):
        renamed = {API_NAMES.get(key, key): item for key, item in value.items()}
        if unknown := sorted(renamed.keys() - shape.members.keys()):
            raise UnknownProperty(f"{where} has no property {', '.join(unknown)} that RunJobFlow takes")
        return {key: _as_shape(shape.members[key], item, f"{where}.{key}") for key, item in renamed.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [_as_shape(shape.member, item, where) for item in value]
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {key: _as_shape(shape.value, item, where) for key, item in value.items()}
    if shape.type_name == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    if shape.type_name in ("integer", "long") and isinstance(value, str):
        return int(value)
    if shape.type_name in ("double", "float") and isinstance(value, str):
        return float(value)
    if shape.type_name == "string" and isinstance(value, bool):
        return str(value).lower()
    return str(value) if shape.type_name == "string" and isinstance(value, int | float) else value


class ClusterResource(CloudFormationModel):
    """A cluster in a stack; slow, see :class:`emr_drill.stand_in.stack_resources.SlowResource`."""

    def __init__(
        self,
        *,
        stand_in: StandIn,
        stack_tags: Mapping[str, str],
        properties: Mapping[str, Any],
        subject: str,
        role: str = "",
    ) -> None:
        self._stand_in = stand_in
        self._properties = properties
        self._stack_tags = stack_tags
        self._role = role  # of the stack; without, CloudFormation acts as whoever made it
        self._due = stand_in.clock.now() + stand_in.timing.draw(Event.CREATE_STACK_TO_CLUSTER_ID, subject)
        self._give_up = self._due + THROTTLED_LIMIT_SECONDS
        self.physical_resource_id: str | None = None  # until RunJobFlow answers

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **kwargs: Any,
    ) -> ClusterResource:
        stand_in = _installed[-1]
        stack = stand_in.stacks.find(kwargs["StackId"])
        return cls(
            stand_in=stand_in,
            stack_tags=stack.tags,
            properties={"Name": resource_name, **cloudformation_json["Properties"]},
            subject=stack.name,
            role=str(stack.role_arn or ""),
        )

    def creation_result(self) -> str | None:
        """See SlowResource."""
        if self.physical_resource_id is None:
            if self._stand_in.clock.now() < self._due:
                return None
            try:
                self.physical_resource_id = self._run_job_flow()
            except (ClientError, BotoCoreError) as error:
                if _throttled(error) and self._stand_in.clock.now() < self._give_up:
                    self._due = self._stand_in.clock.now() + THROTTLED_PAUSE_SECONDS
                    return None
                return f"Resource handler returned message: {error}"
        status: str | None = self._stand_in.clusters.cfn_status(self.physical_resource_id)
        return status

    def deletion_result(self) -> str | None:
        """See SlowResource."""
        if self.physical_resource_id is None or self._stand_in.clusters.cfn_gone(self.physical_resource_id):
            return ""
        return None

    def delete(self, account_id: str, region_name: str) -> None:
        """Begin to terminate the cluster.

        Raises:
            ClientError: it is protected, or a fault of the drill refuses it.
        """
        if self.physical_resource_id is None or self._stand_in.clusters.cfn_gone(self.physical_resource_id):
            return
        client, ids = self._stand_in.client("emr"), [self.physical_resource_id]
        if self._role:
            needs = needs_of(TERMINATE, {"JobFlowIds": ids}, self._stand_in.guard)
            self._stand_in.guard.check(self._role, TERMINATE, needs)
        self._stand_in.api_faults.call(TERMINATE, lambda: client.terminate_job_flows(JobFlowIds=ids))

    def get_cfn_attribute(self, attribute_name: str) -> str | None:
        """``Id`` or ``MasterPublicDNS``."""
        if attribute_name == "Id":
            return self.physical_resource_id
        cluster = self._stand_in.client("emr").describe_cluster(ClusterId=self.physical_resource_id)["Cluster"]
        names: dict[str, str] = {"MasterPublicDNS": cluster.get("MasterPublicDnsName", "")}
        return names[attribute_name]

    def _run_job_flow(self) -> str:
        client = self._stand_in.client("emr")
        shape = client.meta.service_model.operation_model("RunJobFlow").input_shape
        request = run_job_flow_request(self._properties, shape)
        tags = {**self._stack_tags, **{tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}}
        request["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
        if self._role:
            self._stand_in.guard.check(self._role, RUN, run_job_flow_needs(request, self._stand_in.guard))
        answer = self._stand_in.api_faults.call(RUN, lambda: client.run_job_flow(**request))
        return str(answer["JobFlowId"])


def _throttled(error: Exception) -> bool:
    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") == "ThrottlingException"


# moto makes resources by their class, so there is one stand-in at a time.
_installed: list[StandIn] = []


def install(stand_in: StandIn) -> None:
    """Have clusters of templates made in *stand_in*."""
    _installed[:] = [stand_in]
