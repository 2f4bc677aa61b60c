"""What the stand-in's EMR knows of clusters, and the shapes in which the API tells it."""

from __future__ import annotations

import ipaddress
import itertools
import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from emr_drill.stand_in.emr_fleets import InstanceFleet, Machine


class ClusterState(StrEnum):
    """States of a cluster, as the API names them."""

    STARTING = "STARTING"
    BOOTSTRAPPING = "BOOTSTRAPPING"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    TERMINATING = "TERMINATING"
    TERMINATED = "TERMINATED"
    TERMINATED_WITH_ERRORS = "TERMINATED_WITH_ERRORS"


class StepState(StrEnum):
    """States of a step, as the API names them."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"
    INTERRUPTED = "INTERRUPTED"


ENDED = frozenset({ClusterState.TERMINATED, ClusterState.TERMINATED_WITH_ERRORS})
ENDING = ENDED | {ClusterState.TERMINATING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a cluster is in its state: a code (empty, or one of EMR's) and a sentence, and details of an error."""

    code: str = ""
    message: str = ""
    details: tuple[Mapping[str, Any], ...] = ()


@dataclass(slots=True, kw_only=True)
class Step:
    """One step.

    Attributes:
        id: ``s-...``.
        request: what was asked for, as in AddJobFlowSteps.
        seconds: how long it takes, simulated seconds.
        created: when it was asked for, simulated seconds since 1970; so are *started* and *ended*.
        message: why it failed.
    """

    id: str
    request: Mapping[str, Any]
    seconds: float
    created: float
    state: StepState = StepState.PENDING
    started: float | None = None
    ended: float | None = None
    message: str = ""

    @property
    def name(self) -> str:
        """The step's name."""
        return str(self.request.get("Name", ""))

    @property
    def jar(self) -> str:
        """What runs."""
        return str(self.request["HadoopJarStep"]["Jar"])

    @property
    def arguments(self) -> list[str]:
        """Its arguments."""
        return [str(one) for one in self.request["HadoopJarStep"].get("Args") or []]

    @property
    def action_on_failure(self) -> str:
        """What becomes of the cluster if it fails."""
        return str(self.request.get("ActionOnFailure", "TERMINATE_CLUSTER"))

    def describe(self) -> dict[str, Any]:
        """The ``Step`` of DescribeStep."""
        asked = self.request["HadoopJarStep"]
        properties = {one["Key"]: one.get("Value", "") for one in asked.get("Properties") or []}
        status = {
            "State": str(self.state),
            "StateChangeReason": {},
            "Timeline": _times(CreationDateTime=self.created, StartDateTime=self.started, EndDateTime=self.ended),
        }
        if self.state is StepState.FAILED:
            status["FailureDetails"] = {"Reason": "Unknown Error.", "Message": self.message}
        return {
            "Id": self.id,
            "Name": self.name,
            "Config": {"Jar": self.jar, "Properties": properties, "Args": self.arguments},
            "ActionOnFailure": self.action_on_failure,
            "Status": status,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceGroup:
    """One instance group; *request* as in RunJobFlow."""

    id: str
    request: Mapping[str, Any]

    @property
    def role(self) -> str:
        """``MASTER``, ``CORE`` or ``TASK``."""
        return str(self.request["InstanceRole"])

    @property
    def count(self) -> int:
        """How many instances."""
        return int(self.request["InstanceCount"])

    @property
    def market(self) -> str:
        """``ON_DEMAND`` or ``SPOT``."""
        return str(self.request.get("Market", "ON_DEMAND"))

    @property
    def machines(self) -> list[Machine]:
        """Its machines."""
        return [Machine(str(self.request["InstanceType"]), self.market)] * self.count

    @property
    def member(self) -> dict[str, str]:
        """What an instance of ListInstances says it is a part of."""
        return {"InstanceGroupId": self.id}


# What machines of a cluster are in; one kind for all of a cluster.
Collection = InstanceGroup | InstanceFleet


@dataclass(slots=True, kw_only=True)
class Cluster:
    """One cluster.

    Attributes:
        id: ``j-...``.
        request: what RunJobFlow was asked for.
        availability_zone: of its subnet.
        zone: number of that AZ in the region, from 1.
        network: the subnet's addresses; core nodes get some of them.
        groups: its instance groups, or
        fleets: its instance fleets.
        created: simulated seconds since 1970; so are *ready* and *ended*.
        address: the primary's, once there is one.
        history: every state and when it began.
    """

    id: str
    request: Mapping[str, Any]
    availability_zone: str
    zone: int
    network: str
    groups: Sequence[InstanceGroup]
    created: float
    fleets: Sequence[InstanceFleet] = ()
    tags: dict[str, str] = field(default_factory=dict)
    termination_protected: bool = False
    managed_scaling: Mapping[str, Any] | None = None
    steps: list[Step] = field(default_factory=list)
    state: ClusterState = ClusterState.STARTING
    reason: Reason = field(default_factory=Reason)
    ready: float | None = None
    ended: float | None = None
    address: str | None = None
    history: list[tuple[ClusterState, float]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The cluster's name."""
        return str(self.request["Name"])

    @property
    def classifications(self) -> dict[str, dict[str, str]]:
        """Its configuration, classification to properties."""
        return {
            one["Classification"]: dict(one.get("Properties") or {}) for one in self.request.get("Configurations") or []
        }

    @property
    def primary_type(self) -> str:
        """The instance type of the primary; of a fleet the one that it was asked for first."""
        for group in self.groups:
            if group.role == "MASTER":
                return str(group.request["InstanceType"])
        fleet = next(fleet for fleet in self.fleets if fleet.role == "MASTER")
        return str(fleet.request["InstanceTypeConfigs"][0]["InstanceType"])

    def arn(self, region: str, account: str) -> str:
        """The cluster's ARN."""
        return f"arn:aws:elasticmapreduce:{region}:{account}:cluster/{self.id}"

    def summary(self, *, region: str, account: str) -> dict[str, Any]:
        """An item of ListClusters."""
        return {
            "Id": self.id,
            "Name": self.name,
            "Status": self._status(),
            "NormalizedInstanceHours": 0,
            "ClusterArn": self.arn(region, account),
        }

    def describe(self, *, region: str, account: str) -> dict[str, Any]:
        """The ``Cluster`` of DescribeCluster."""
        asked = self.request
        instances = asked["Instances"]
        subnets = subnets_of(instances)
        attributes = {
            "Ec2KeyName": instances.get("Ec2KeyName"),
            "Ec2SubnetId": subnets[0],
            "RequestedEc2SubnetIds": subnets,
            "Ec2AvailabilityZone": self.availability_zone,
            "RequestedEc2AvailabilityZones": [],
            "IamInstanceProfile": asked.get("JobFlowRole"),
            **{
                name: instances.get(name)
                for name in (
                    "EmrManagedMasterSecurityGroup",
                    "EmrManagedSlaveSecurityGroup",
                    "ServiceAccessSecurityGroup",
                    "AdditionalMasterSecurityGroups",
                    "AdditionalSlaveSecurityGroups",
                )
            },
        }
        return {
            **self.summary(region=region, account=account),
            "Ec2InstanceAttributes": {name: value for name, value in attributes.items() if value is not None},
            "InstanceCollectionType": "INSTANCE_FLEET" if self.fleets else "INSTANCE_GROUP",
            "AutoTerminate": not instances.get("KeepJobFlowAliveWhenNoSteps", False),
            "TerminationProtected": self.termination_protected,
            "UnhealthyNodeReplacement": instances.get("UnhealthyNodeReplacement", False),
            "VisibleToAllUsers": asked.get("VisibleToAllUsers", True),
            "Applications": asked.get("Applications") or [],
            "Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()],
            "Configurations": asked.get("Configurations") or [],
            "StepConcurrencyLevel": asked.get("StepConcurrencyLevel", 1),
            **({"MasterPublicDnsName": private_name(self.address, region)} if self.address else {}),
            **{
                name: asked[name]
                for name in (
                    "LogUri",
                    "LogEncryptionKmsKeyId",
                    "ReleaseLabel",
                    "ServiceRole",
                    "SecurityConfiguration",
                    "AutoScalingRole",
                    "ScaleDownBehavior",
                    "CustomAmiId",
                    "EbsRootVolumeSize",
                    "OSReleaseLabel",
                )
                if asked.get(name) is not None
            },
        }

    def instances(self, *, region: str) -> list[tuple[Collection, dict[str, Any]]]:
        """The items of ListInstances, with their groups or fleets; none before the machines exist."""
        if self.address is None:
            return []
        # AWS keeps the first four addresses of a subnet; the drill's load balancers have none there.
        core_addresses = (ipaddress.ip_network(self.network)[number] for number in itertools.count(10))
        found: list[tuple[Collection, dict[str, Any]]] = []
        parts: tuple[Collection, ...] = (*self.groups, *self.fleets)
        for part in parts:
            for number, machine in enumerate(part.machines):
                address = self.address if part.role == "MASTER" else str(next(core_addresses))
                # Ids that stay the same from one answer to the next.
                name = f"{self.id[2:]}{part.role[0]}{number}"
                found.append(
                    (
                        part,
                        {
                            "Id": f"ci-{name}",
                            "Ec2InstanceId": f"i-{int.from_bytes(name.encode()) % 16**17:017x}",
                            "PublicDnsName": "",
                            "PrivateDnsName": private_name(address, region),
                            "PrivateIpAddress": address,
                            "Status": self._instance_status(),
                            **part.member,
                            "Market": machine.market,
                            "InstanceType": machine.instance_type,
                            "EbsVolumes": [],
                        },
                    )
                )
        return found

    def instance_groups(self) -> list[dict[str, Any]]:
        """The items of ListInstanceGroups."""
        running = self.address is not None and self.state not in ENDED
        return [
            {
                "Id": group.id,
                "Name": group.request.get("Name", group.role.title()),
                "Market": group.market,
                "InstanceGroupType": group.role,
                "InstanceType": group.request["InstanceType"],
                "RequestedInstanceCount": group.count,
                "RunningInstanceCount": group.count if running else 0,
                "Status": {**self._instance_status(), "State": "RUNNING" if running else "PROVISIONING"},
                "Configurations": [],
            }
            for group in self.groups
        ]

    def instance_fleets(self) -> list[dict[str, Any]]:
        """The items of ListInstanceFleets."""
        status = self._instance_status()
        return [fleet.describe(status=status) for fleet in self.fleets]

    def _status(self) -> dict[str, Any]:
        reason = {"Code": self.reason.code, "Message": self.reason.message}
        return {
            "State": str(self.state),
            "StateChangeReason": {name: value for name, value in reason.items() if value},
            "Timeline": _times(CreationDateTime=self.created, ReadyDateTime=self.ready, EndDateTime=self.ended),
            "ErrorDetails": [dict(one) for one in self.reason.details],
        }

    def _instance_status(self) -> dict[str, Any]:
        match self.state:
            case ClusterState.STARTING:
                state = "PROVISIONING"
            case ClusterState.BOOTSTRAPPING:
                state = "BOOTSTRAPPING"
            case ClusterState.TERMINATED | ClusterState.TERMINATED_WITH_ERRORS:
                state = "TERMINATED"
            case _:
                state = "RUNNING"
        return {
            "State": state,
            "StateChangeReason": {"Code": "CLUSTER_TERMINATED"} if state == "TERMINATED" else {},
            "Timeline": _times(CreationDateTime=self.created, ReadyDateTime=self.ready, EndDateTime=self.ended),
        }


def subnets_of(instances: Mapping[str, Any]) -> list[str]:
    """The subnets that RunJobFlow's ``Instances`` name: one for instance groups, several for instance fleets."""
    return [str(one) for one in instances.get("Ec2SubnetIds") or [instances["Ec2SubnetId"]]]


def private_name(address: str, region: str) -> str:
    """The DNS name that a VPC gives *address*."""
    domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
    return f"ip-{address.replace('.', '-')}.{domain}"


def new_id(prefix: str) -> str:
    """A new identifier as EMR makes them: ``j-1ABCDEFGHIJKL``."""
    return f"{prefix}-" + "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(13))


def _times(**moments: float | None) -> dict[str, float]:
    return {name: round(moment, 3) for name, moment in moments.items() if moment is not None}
