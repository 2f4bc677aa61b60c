"""What a fault finds when it strikes: the stand-in, and the incarnation in service."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dr_core.requests import Kind, Reason

if TYPE_CHECKING:
    from emr_drill.deploys import Deploys
    from emr_drill.observe import Deployment
    from emr_drill.stand_in.emr import EmrClusters
    from emr_drill.stand_in.server import StandIn

# First part of the name of what a person starts to end a row with: that is not counted.
BY_HAND = "by-hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where a fault strikes.

    Attributes:
        stand_in: AWS.
        deployment: the strategy stack.
        cluster_id: ``j-...`` of the incarnation in service when the fault struck.
        generation: its generation.
        managed_cluster: whose incarnation it is.
        availability_zone: where it runs.
        others: where the other managed clusters serve: AZ -> name.
        deploys: deploys changed settings, where the row has some.
        standby: ``j-...`` of what stands by; ``None`` if nothing does.
    """

    stand_in: StandIn
    deployment: Deployment
    cluster_id: str
    generation: int
    managed_cluster: str
    availability_zone: str
    others: Mapping[str, str] = field(default_factory=dict)
    deploys: Deploys | None = None
    standby: str | None = None

    @property
    def clusters(self) -> EmrClusters:
        """EMR."""
        return self.stand_in.clusters

    @property
    def zones(self) -> list[str]:
        """Every AZ that clusters may be launched in, in order of preference."""
        return list(dict.fromkeys(subnet.availability_zone for subnet in self.deployment.config.subnets))

    @property
    def other_zones(self) -> list[str]:
        """The AZs that the next launch may choose from, in order: one that another managed cluster uses comes last."""
        left = [zone for zone in self.zones if zone != self.availability_zone]
        return sorted(left, key=lambda zone: zone in self.others)

    @property
    def serving(self) -> list[str]:
        """Ids of all clusters in service now."""
        return [str(one["cluster_id"]) for one in self.deployment.incarnations() if one["state"] == "serving"]

    def terminate_as_a_person(self) -> None:
        """Lift the termination protection and end the cluster, as somebody does in the console."""
        emr: Any = self.stand_in.client("emr")
        emr.set_termination_protection(JobFlowIds=[self.cluster_id], TerminationProtected=False)
        emr.terminate_job_flows(JobFlowIds=[self.cluster_id])

    def ask_for_failover(self) -> None:
        """Start a failover as a person does who ended the cluster and wants another."""
        self._start(
            f"{BY_HAND}-{self.generation}",
            kind=Kind.FAILOVER,
            reason=Reason.MANUAL,
            because="a person ended the cluster and wants another",
        )

    def ask_for(self, kind: Kind, **request: str) -> None:
        """Start an operation as a person does; it is what the row is about."""
        self._start(f"asked-for-{kind}-{self.generation}", kind=kind, **request)

    def deploy(self) -> None:
        """Deploy the row's changed settings, as a person does with ``cdk deploy``."""
        assert self.deploys is not None, "a row that deploys something has settings to change"
        self.deploys.change()

    def take_back(self) -> None:
        """Cancel that deploy if it is under way, else deploy the old settings again."""
        assert self.deploys is not None, "a row that deploys something has settings to change"
        self.deploys.take_back()

    def _start(self, name: str, **request: str) -> None:
        states: Any = self.stand_in.client("stepfunctions")
        states.start_execution(
            stateMachineArn=self.deployment.config.operation_state_machine,
            name=name,
            input=json.dumps({"request": {"managed_cluster": self.managed_cluster, **request}}),
        )
