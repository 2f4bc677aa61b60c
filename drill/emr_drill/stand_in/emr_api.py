"""EMR's API, answered from the clusters of the stand-in instead of moto's.

Each operation gets the request as the client sent it and gives the answer as the client reads it; both are plain JSON
in EMR's protocol.  Security configurations and release labels stay moto's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from moto.emr.exceptions import InvalidRequestException, ValidationException
from moto.emr.responses import ElasticMapReduceResponse

from emr_drill.stand_in.emr_life import ClusterLife
from emr_drill.stand_in.emr_records import ENDING, Reason
from emr_drill.stand_in.emr_scaling import problem_of
from emr_drill.stand_in.patching import original, replace

if TYPE_CHECKING:
    from emr_drill.stand_in.emr import EmrClusters

PAGE = 50
USER_REQUEST = Reason(code="USER_REQUEST", message="Terminated by user request")
SHUTTING_DOWN = "A job flow that is shutting down, terminated, or finished may not be modified."
EXCLUSIVE = "Instance fleets and instance groups are mutually exclusive."
PROTECTED = "Could not shut down one or more job flows since they are termination protected."

# Tags of a resource (EMR Management Guide, "Tag and categorize Amazon EMR cluster resources").
MOST_TAGS = 50

Request = dict[str, Any]
Operation = Callable[[Request], dict[str, Any]]


class EmrApi:
    """The operations that the stand-in answers itself; each public method is one."""

    def __init__(self, clusters: EmrClusters) -> None:
        self._clusters = clusters

    def run_job_flow(self, request: Request) -> dict[str, Any]:
        try:
            cluster = self._clusters.launch(request)
        except ValueError as error:
            raise ValidationException(str(error)) from error
        return {"JobFlowId": cluster.id, "ClusterArn": cluster.arn(*self._clusters.place)}

    def describe_cluster(self, request: Request) -> dict[str, Any]:
        region, account = self._clusters.place
        life = self._life(request["ClusterId"])
        with life.lock:
            return {"Cluster": life.cluster.describe(region=region, account=account)}

    def list_clusters(self, request: Request) -> dict[str, Any]:
        region, account = self._clusters.place
        states = request.get("ClusterStates")
        found = [
            one.summary(region=region, account=account)
            for one in reversed(self._clusters.all())
            if (not states or one.state in states)
            and one.created >= request.get("CreatedAfter", 0)
            and one.created <= request.get("CreatedBefore", float("inf"))
        ]
        return _page("Clusters", found, request)

    def list_instances(self, request: Request) -> dict[str, Any]:
        life = self._life(request["ClusterId"])
        states = request.get("InstanceStates")
        of_groups = request.get("InstanceGroupTypes") or request.get("InstanceGroupId")
        of_fleets = request.get("InstanceFleetType") or request.get("InstanceFleetId")
        if (of_groups and of_fleets) or (of_groups if life.cluster.fleets else of_fleets):
            raise InvalidRequestException(EXCLUSIVE)
        roles = request.get("InstanceGroupTypes") or [role for role in [request.get("InstanceFleetType")] if role]
        part_id = request.get("InstanceGroupId") or request.get("InstanceFleetId")
        with life.lock:
            found = [
                instance
                for part, instance in life.cluster.instances(region=self._clusters.place[0])
                if (not roles or part.role in roles)
                and (not part_id or part.id == part_id)
                and (not states or instance["Status"]["State"] in states)
            ]
        return _page("Instances", found, request)

    def list_instance_groups(self, request: Request) -> dict[str, Any]:
        life = self._life(request["ClusterId"])
        if life.cluster.fleets:
            raise InvalidRequestException(EXCLUSIVE)
        with life.lock:
            return _page("InstanceGroups", life.cluster.instance_groups(), request)

    def list_instance_fleets(self, request: Request) -> dict[str, Any]:
        life = self._life(request["ClusterId"])
        if not life.cluster.fleets:
            raise InvalidRequestException(EXCLUSIVE)
        with life.lock:
            return _page("InstanceFleets", life.cluster.instance_fleets(), request)

    def list_bootstrap_actions(self, request: Request) -> dict[str, Any]:
        self._life(request["ClusterId"])
        return {"BootstrapActions": []}

    def add_job_flow_steps(self, request: Request) -> dict[str, Any]:
        life = self._modifiable(request["JobFlowId"])
        steps = [self._clusters.new_step(life.cluster, one) for one in request["Steps"]]
        life.add_steps(steps)
        return {"StepIds": [step.id for step in steps]}

    def cancel_steps(self, request: Request) -> dict[str, Any]:
        life = self._modifiable(request["ClusterId"])
        return {"CancelStepsInfoList": [life.cancel_step(one) for one in request["StepIds"]]}

    def describe_step(self, request: Request) -> dict[str, Any]:
        life = self._life(request["ClusterId"])
        with life.lock:
            for step in life.cluster.steps:
                if step.id == request["StepId"]:
                    return {"Step": step.describe()}
        raise InvalidRequestException(f"Step id '{request['StepId']}' is not valid.")

    def list_steps(self, request: Request) -> dict[str, Any]:
        life = self._life(request["ClusterId"])
        states, ids = request.get("StepStates"), request.get("StepIds")
        with life.lock:
            found = [
                step.describe()
                for step in reversed(life.cluster.steps)  # newest first
                if (not states or step.state in states) and (not ids or step.id in ids)
            ]
        return _page("Steps", found, request)

    def terminate_job_flows(self, request: Request) -> dict[str, Any]:
        lives = [self._known(cluster_id) for cluster_id in request["JobFlowIds"]]
        for life in lives:
            if not life.cluster.termination_protected:
                life.terminate(reason=USER_REQUEST)
        if any(life.cluster.termination_protected and life.cluster.state not in ENDING for life in lives):
            raise ValidationException(PROTECTED)
        return {}

    def set_termination_protection(self, request: Request) -> dict[str, Any]:
        for life in [self._modifiable(cluster_id) for cluster_id in request["JobFlowIds"]]:
            life.cluster.termination_protected = bool(request["TerminationProtected"])
        return {}

    def put_managed_scaling_policy(self, request: Request) -> dict[str, Any]:
        cluster = self._modifiable(request["ClusterId"]).cluster
        policy = request["ManagedScalingPolicy"]
        if problem := problem_of(policy, fleets=bool(cluster.fleets)):
            raise ValidationException(problem)
        cluster.managed_scaling = policy
        self._clusters.scaled(cluster)
        return {}

    def get_managed_scaling_policy(self, request: Request) -> dict[str, Any]:
        policy = self._life(request["ClusterId"]).cluster.managed_scaling
        return {"ManagedScalingPolicy": policy} if policy else {}

    def add_tags(self, request: Request) -> dict[str, Any]:
        life = self._taggable(request["ResourceId"])
        tags = {**life.cluster.tags, **{one["Key"]: one.get("Value", "") for one in request["Tags"]}}
        if len(tags) > MOST_TAGS:
            raise InvalidRequestException(f"A resource has at most {MOST_TAGS} tags.")
        if bad := [key for key, value in tags.items() if not 0 < len(key) <= 128 or len(value) > 256]:
            raise InvalidRequestException(f"Tags are too long, or have no key: {bad}")
        life.cluster.tags.update(tags)
        self._clusters.tagged(life.cluster)
        return {}

    def remove_tags(self, request: Request) -> dict[str, Any]:
        life = self._taggable(request["ResourceId"])
        for key in request["TagKeys"]:
            life.cluster.tags.pop(key, None)
        self._clusters.tagged(life.cluster)
        return {}

    def _taggable(self, cluster_id: str) -> ClusterLife:
        life = self._life(cluster_id)
        if life.cluster.state in ENDING:
            raise InvalidRequestException(
                f"Tags of cluster '{cluster_id}' cannot be changed: it is {life.cluster.state}."
            )
        return life

    def _life(self, cluster_id: str) -> ClusterLife:
        try:
            return self._clusters.life(cluster_id)
        except KeyError:
            raise InvalidRequestException(f"Cluster id '{cluster_id}' is not valid.") from None

    def _known(self, cluster_id: str) -> ClusterLife:
        try:
            return self._clusters.life(cluster_id)
        except KeyError:
            raise ValidationException("Specified job flow ID does not exist.") from None

    def _modifiable(self, cluster_id: str) -> ClusterLife:
        life = self._known(cluster_id)
        if life.cluster.state in ENDING:
            raise ValidationException(SHUTTING_DOWN)
        return life


# Operations that moto has and this module answers in its place; those in ADDED moto does not have.
REPLACED = (
    "run_job_flow",
    "describe_cluster",
    "list_clusters",
    "list_instances",
    "list_instance_groups",
    "list_bootstrap_actions",
    "add_job_flow_steps",
    "describe_step",
    "list_steps",
    "terminate_job_flows",
    "set_termination_protection",
    "add_tags",
    "remove_tags",
)
ADDED = ("cancel_steps", "list_instance_fleets", "put_managed_scaling_policy", "get_managed_scaling_policy")
# Moto would answer these from clusters of its own, which do not exist.
REFUSED = (
    "add_instance_groups",
    "describe_job_flows",
    "modify_cluster",
    "modify_instance_groups",
    "put_auto_scaling_policy",
    "remove_auto_scaling_policy",
    "set_visible_to_all_users",
)


def apply(clusters: EmrClusters) -> None:
    """Answer EMR's API from *clusters* in this process from now on."""
    api = EmrApi(clusters)
    for name in REPLACED:
        replace(ElasticMapReduceResponse, name, _handler(getattr(api, name)))
    for name in ADDED:
        setattr(ElasticMapReduceResponse, name, _handler(getattr(api, name)))
    for name in REFUSED:
        replace(ElasticMapReduceResponse, name, _handler(_refuse))


def remove() -> None:
    """Leave EMR's API to moto again."""
    for name in (*REPLACED, *REFUSED):
        replace(ElasticMapReduceResponse, name, original(ElasticMapReduceResponse, name))
    for name in ADDED:
        if hasattr(ElasticMapReduceResponse, name):
            delattr(ElasticMapReduceResponse, name)


def _handler(operation: Operation) -> Callable[[ElasticMapReduceResponse], str]:
    def handler(self: ElasticMapReduceResponse) -> str:
        return json.dumps(operation(json.loads(self.body or "{}")))

    return handler


def _refuse(_request: Request) -> dict[str, Any]:
    raise InvalidRequestException(
        "The stand-in does not do this; it would have to change a running cluster's machines."
    )


def _page(name: str, items: Sequence[dict[str, Any]], request: Request) -> dict[str, Any]:
    first = int(request.get("Marker") or 0)
    rest = first + PAGE
    answer: dict[str, Any] = {name: items[first:rest]}
    if rest < len(items):
        answer["Marker"] = str(rest)
    return answer
