"""As much of EMR and of a load balancer as the script calls, in memory; a call is a line in a log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Self

from botocore.exceptions import ClientError

from emr_drill.baseline.script import ENDING, Script, Site

SITE = Site(
    prefix="site-g",
    subnets={"us-east-1a": "subnet-a", "us-east-1b": "subnet-b", "us-east-1c": "subnet-c"},
    groups={8998: "arn:livy", 8088: "arn:rm"},
    request={"ReleaseLabel": "emr-7", "Instances": {"TerminationProtected": True}},
)


class Cloud:
    """EMR, the load balancer and the clock, in one."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.log: list[str] = []
        self.clusters: dict[str, dict[str, Any]] = {}
        self.targets: dict[str, list[dict[str, Any]]] = {arn: [] for arn in SITE.groups.values()}
        self.complaints: Sequence[str] = ()
        self.address_after = 200.0
        self.asked: list[str] = []
        self.on_sleep: list[Any] = []

    def script(self) -> Script:
        """The script, in this world."""
        return Script(
            site=SITE, emr=self, balancer=self, look=self.look, now=lambda: self.now, sleep=self.sleep, say=self.say
        )

    def add(self, name: str, *, state: str = "WAITING", zone: str = "us-east-1a", address: str = "10.0.0.1") -> str:
        """A cluster that there is."""
        identity = f"j-{name}"
        self.clusters[identity] = {
            "name": name,
            "state": state,
            "zone": zone,
            "address": address,
            "created": self.now + len(self.clusters),
            "address_at": self.now,
            "protected": True,
        }
        return identity

    def look(self, address: str) -> Sequence[str]:
        self.asked.append(address)
        return self.complaints

    def sleep(self, seconds: float) -> None:
        self.log.append(f"slept {seconds:.0f}")
        self.now += seconds
        if self.on_sleep:
            self.on_sleep.pop(0)()

    def say(self, text: str) -> None:
        """Lines for people are not tested here."""

    # EMR

    def get_paginator(self, operation: str) -> Self:
        assert operation == "list_clusters"
        return self

    def paginate(self, ClusterStates: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        for identity, one in self.clusters.items():  # each on a page of its own
            if not ClusterStates or one["state"] in ClusterStates:
                created = datetime.fromtimestamp(one["created"], tz=UTC)
                status = {"State": one["state"], "Timeline": {"CreationDateTime": created}}
                yield {"Clusters": [{"Id": identity, "Name": one["name"], "Status": status}]}

    def describe_cluster(self, ClusterId: str) -> dict[str, Any]:
        one = self.clusters[ClusterId]
        return {
            "Cluster": {
                "Status": {"State": one["state"]},
                "Ec2InstanceAttributes": {"Ec2AvailabilityZone": one["zone"]},
            }
        }

    def list_instances(self, ClusterId: str, InstanceGroupTypes: list[str]) -> dict[str, Any]:
        assert InstanceGroupTypes == ["MASTER"]
        one = self.clusters[ClusterId]
        known = self.now >= one["address_at"] and one["address"]
        return {"Instances": [{"PrivateIpAddress": one["address"]}] if known else []}

    def run_job_flow(self, **request: Any) -> dict[str, Any]:
        zones = {subnet: zone for zone, subnet in SITE.subnets.items()}
        zone = zones[request["Instances"]["Ec2SubnetId"]]
        self.log.append(f"launched {request['Name']} in {zone}")
        number = len(self.clusters) + 1
        identity = self.add(request["Name"], state="STARTING", zone=zone, address=f"10.0.0.{number}")
        self.clusters[identity]["address_at"] = self.now + self.address_after
        return {"JobFlowId": identity}

    def set_termination_protection(self, JobFlowIds: list[str], TerminationProtected: bool) -> None:
        one = self.clusters[JobFlowIds[0]]
        if one["state"] in ENDING:
            raise refused("SetTerminationProtection")
        one["protected"] = TerminationProtected

    def terminate_job_flows(self, JobFlowIds: list[str]) -> None:
        one = self.clusters[JobFlowIds[0]]
        if one["protected"]:
            raise refused("TerminateJobFlows")
        self.log.append(f"ended {one['name']}")
        one["state"] = "TERMINATING"

    # The load balancer

    def describe_target_health(self, TargetGroupArn: str) -> dict[str, Any]:
        found = [
            {"Target": {"Id": one["Id"], "Port": one["Port"]}, "TargetHealth": {"State": one["state"]}}
            for one in self.targets[TargetGroupArn]
        ]
        return {"TargetHealthDescriptions": found}

    def register_targets(self, TargetGroupArn: str, Targets: list[dict[str, Any]]) -> None:
        (target,) = Targets
        self.log.append(f"{TargetGroupArn} has {target['Id']}")
        known = self.targets[TargetGroupArn]
        if all(one["Id"] != target["Id"] for one in known):
            known.append({"Id": target["Id"], "Port": 1, "state": "healthy"})

    def deregister_targets(self, TargetGroupArn: str, Targets: list[dict[str, Any]]) -> None:
        gone = {one["Id"] for one in Targets}
        self.log.append(f"{TargetGroupArn} loses {', '.join(sorted(gone))}")
        self.targets[TargetGroupArn] = [one for one in self.targets[TargetGroupArn] if one["Id"] not in gone]

    def registered(self) -> dict[str, list[str]]:
        """Addresses of each target group."""
        return {arn: [one["Id"] for one in known] for arn, known in self.targets.items()}


def refused(operation: str) -> ClientError:
    """What EMR says to a change of a cluster that ends, or to the end of one that is protected."""
    return ClientError({"Error": {"Code": "ValidationException", "Message": "may not be modified"}}, operation)
