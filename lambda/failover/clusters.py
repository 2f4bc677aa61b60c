"""EMR clusters of incarnations: looked at, protected, ended; never one that is not ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dr_core.retirement_plan import CLUSTER_ENDED
from dr_core.scaling import Limits, Unit
from failover.errors import InvariantError
from failover.stacks import DEPLOYMENT_TAG, MANAGED_CLUSTER_TAG

if TYPE_CHECKING:
    from mypy_boto3_emr import EMRClient
    from mypy_boto3_emr.literals import ClusterStateType, InstanceStateType

CLUSTER_ENDING = "TERMINATING"
# ``InstanceCollectionType`` of a cluster of instance fleets.
OF_FLEETS = "INSTANCE_FLEET"
_THERE: tuple[InstanceStateType, ...] = ("PROVISIONING", "BOOTSTRAPPING", "RUNNING")

_NOT_ENDED: tuple[ClusterStateType, ...] = ("STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING", "TERMINATING")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSeen:
    """A cluster as EMR describes it.

    Attributes:
        unit: what limits of its managed scaling count: its machines are in instance groups or in instance fleets.
    """

    cluster_id: str
    name: str
    state: str
    reason: str
    tags: Mapping[str, str]
    unit: Unit = Unit.INSTANCES

    @property
    def ended(self) -> bool:
        """Whether nothing of it runs any more."""
        return self.state in CLUSTER_ENDED

    @property
    def ends(self) -> bool:
        """Whether EMR takes its machines away, or has done so."""
        return self.ended or self.state == CLUSTER_ENDING


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """The EMR clusters of a deployment."""

    client: EMRClient
    deployment: str

    def describe(self, cluster_id: str) -> ClusterSeen | None:
        """The cluster; ``None`` if EMR does not know it: it forgets clusters about two months after their end."""
        try:
            found = self.client.describe_cluster(ClusterId=cluster_id)["Cluster"]
        except self.client.exceptions.InvalidRequestException as error:
            if "is not valid" in str(error):
                return None
            raise
        status = found.get("Status", {})
        reason = status.get("StateChangeReason", {})
        return ClusterSeen(
            cluster_id=cluster_id,
            name=found.get("Name", ""),
            state=status.get("State", ""),
            reason=" ".join(filter(None, (reason.get("Code", ""), reason.get("Message", "")))),
            tags={tag.get("Key", ""): tag.get("Value", "") for tag in found.get("Tags", [])},
            unit=Unit.FLEET_UNITS if found.get("InstanceCollectionType") == OF_FLEETS else Unit.INSTANCES,
        )

    def names(self) -> Iterator[tuple[str, str]]:
        """Id and name of every cluster of the account that has not ended, whosever it is."""
        pages = self.client.get_paginator("list_clusters").paginate(ClusterStates=list(_NOT_ENDED))
        for page in pages:
            for found in page.get("Clusters", []):
                yield found.get("Id", ""), found.get("Name", "")

    def primary_address(self, seen: ClusterSeen) -> str | None:
        """The private address of the primary, ``None`` as long as EMR has no instance for it.

        EMR refuses to list a cluster's machines by a kind of collection that the cluster does not have.
        """
        if seen.unit is Unit.FLEET_UNITS:
            answer = self.client.list_instances(
                ClusterId=seen.cluster_id, InstanceFleetType="MASTER", InstanceStates=_THERE
            )
        else:
            answer = self.client.list_instances(
                ClusterId=seen.cluster_id, InstanceGroupTypes=["MASTER"], InstanceStates=_THERE
            )
        addresses = (instance.get("PrivateIpAddress") for instance in answer["Instances"])
        return next((address for address in addresses if address), None)

    def protect(self, cluster_id: str, *, protected: bool) -> None:
        """Set or lift termination protection."""
        self.client.set_termination_protection(JobFlowIds=[cluster_id], TerminationProtected=protected)

    def limits(self, cluster_id: str) -> Limits | None:
        """The limits of managed scaling; ``None`` if the cluster has no policy, or one that is none of ours.

        Ours counts instances, every one of which may be a core node and on demand, or units of instance fleets.  EMR
        may leave out what is as it is by default.
        """
        policy = self.client.get_managed_scaling_policy(ClusterId=cluster_id).get("ManagedScalingPolicy", {})
        found = policy.get("ComputeLimits")
        if found is None or found["UnitType"] not in list(Unit):
            return None
        maximum = found["MaximumCapacityUnits"]
        try:
            limits = Limits(
                minimum=found["MinimumCapacityUnits"],
                maximum=maximum,
                unit=Unit(found["UnitType"]),
                core=found.get("MaximumCoreCapacityUnits"),
                on_demand=found.get("MaximumOnDemandCapacityUnits"),
            )
        except ValueError:
            return None
        divided = limits.core is not None or limits.on_demand is not None
        return None if divided and limits.unit is Unit.INSTANCES else limits

    def set_limits(self, cluster_id: str, limits: Limits) -> None:
        """Let managed scaling move the cluster between *limits*; EMR refuses it for a cluster that ends."""
        self.client.put_managed_scaling_policy(
            ClusterId=cluster_id,
            ManagedScalingPolicy={
                "ComputeLimits": {
                    "UnitType": limits.unit.value,
                    "MinimumCapacityUnits": limits.minimum,
                    "MaximumCapacityUnits": limits.maximum,
                    "MaximumCoreCapacityUnits": limits.most_core,
                    "MaximumOnDemandCapacityUnits": limits.most_on_demand,
                }
            },
        )

    def tag(self, cluster_id: str, *, add: Mapping[str, str], remove: Sequence[str]) -> None:
        """Remove and add tags; EMR hands what is added on to the machines that run.

        In this order: a cluster has 50 tags at the most, and where many have new names it would have both for a moment.
        """
        if remove:
            self.client.remove_tags(ResourceId=cluster_id, TagKeys=list(remove))
        if add:
            self.client.add_tags(
                ResourceId=cluster_id, Tags=[{"Key": key, "Value": value} for key, value in add.items()]
            )

    def check_ours(
        self, seen: ClusterSeen | None, cluster_id: str, *, managed_cluster: str, stack_name: str, to_be: str
    ) -> None:
        """Make sure that a cluster may be touched.

        Args:
            seen: what EMR says of it.
            cluster_id: its id.
            to_be: what shall be done with it, as in "must not be ended".
            managed_cluster: whose it has to be.
            stack_name: of the stack that it has to be of.

        Raises:
            InvariantError: it is not of this deployment, *managed_cluster* and *stack_name*, or EMR does not know it.
        """
        owner = None if seen is None else (seen.tags.get(DEPLOYMENT_TAG), seen.tags.get(MANAGED_CLUSTER_TAG), seen.name)
        if owner != (self.deployment, managed_cluster, stack_name):
            raise InvariantError(
                f"cluster {cluster_id} must not be {to_be}: it is {owner or 'unknown to EMR'}, "
                f"not {(self.deployment, managed_cluster, stack_name)}"
            )

    def end(
        self,
        cluster_id: str,
        *,
        managed_cluster: str,
        stack_name: str,
        intent: Callable[[], None] = lambda: None,
    ) -> ClusterSeen | None:
        """Lift the protection of a cluster and ask EMR to end it, unless it has ended; answer what was seen before.

        EMR refuses to end a protected cluster, and CloudFormation cannot delete its stack.

        Args:
            cluster_id: of the cluster.
            managed_cluster: whose it has to be.
            stack_name: of the stack that it has to be of.
            intent: called when the cluster is known to be ours (or gone), before anything is changed.

        Raises:
            InvariantError: the cluster is not of this deployment, *managed_cluster* and *stack_name*.
        """
        seen = self.describe(cluster_id)
        if seen is None or seen.ended:
            intent()
            return seen
        self.check_ours(seen, cluster_id, managed_cluster=managed_cluster, stack_name=stack_name, to_be="ended")
        intent()
        if not seen.ends:
            self.protect(cluster_id, protected=False)
            self.client.terminate_job_flows(JobFlowIds=[cluster_id])
        return seen
