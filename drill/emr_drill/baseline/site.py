"""What a person builds before the script can run: a network, a plain TCP load balancer, and the first cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from emr_drill.baseline.script import Site
from emr_drill.primary.simulated.configuration import LIVY_PORT, NAME_NODE_PORT, RESOURCE_MANAGER_PORT
from emr_drill.timing import TABLE, Event

# How long a launch takes is drawn by the cluster's name: with the names of the product's clusters (of its default
# settings) both systems wait for the same launches in drills with the same seed.
PREFIX = "emr-dr-active-passive-a-g"
PORTS = (LIVY_PORT, RESOURCE_MANAGER_PORT, NAME_NODE_PORT)
NETWORK = "10.0.0.0/16"
ZONES = 3
STATE_DIRECTORY = "/var/lib/livy/emr-dr/recovery"
# The product's own settings of Livy (the kindest reading): what a restarted Livy knows again is not the question here.
LIVY = {
    "livy.server.recovery.mode": "recovery",
    "livy.server.recovery.state-store": "filesystem",
    "livy.server.recovery.state-store.url": f"file://{STATE_DIRECTORY}",
    "livy.server.session.state-retain.sec": "86400s",
    "livy.server.yarn.poll-interval": "500ms",
    "livy.server.port": str(LIVY_PORT),
    "livy.spark.master": "yarn",
    "livy.spark.deploy-mode": "cluster",
}
# Health checks of a network load balancer can be as quick as this.
CHECK_INTERVAL_SECONDS, CHECK_TIMEOUT_SECONDS, CHECKS = 5, 3, 2
LAUNCH_LIMIT_SECONDS = 3 * float(TABLE[Event.EMR_LAUNCH])  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A site that is ready for its first cluster.

    Attributes:
        site: what the script is told.
        host: DNS name of the load balancer.
        balancer_arn: its ARN.
    """

    site: Site
    host: str
    balancer_arn: str


def build(*, ec2: Any, balancer: Any, region: str) -> Built:
    """Make the network and the load balancer.

    Args:
        ec2: client of EC2's API.
        balancer: client of the load balancers' API.
        region: where.
    """
    vpc = ec2.create_vpc(CidrBlock=NETWORK)["Vpc"]["VpcId"]
    zones = [f"{region}{letter}" for letter in "abcdef"[:ZONES]]
    subnets = {
        zone: ec2.create_subnet(VpcId=vpc, AvailabilityZone=zone, CidrBlock=f"10.0.{number}.0/24")["Subnet"]["SubnetId"]
        for number, zone in enumerate(zones)
    }
    made = balancer.create_load_balancer(
        Name="baseline", Type="network", Scheme="internal", Subnets=list(subnets.values())
    )["LoadBalancers"][0]
    arn = made["LoadBalancerArn"]
    balancer.modify_load_balancer_attributes(
        LoadBalancerArn=arn, Attributes=[{"Key": "load_balancing.cross_zone.enabled", "Value": "true"}]
    )
    groups = {port: _group(balancer, vpc=vpc, balancer_arn=arn, port=port) for port in PORTS}
    return Built(
        site=Site(prefix=PREFIX, subnets=subnets, groups=groups, request=request()),
        host=made["DNSName"],
        balancer_arn=arn,
    )


def request() -> dict[str, Any]:
    """Arguments of RunJobFlow but name and subnet: Spark and Livy on one primary and one core machine, protected."""
    machines: Sequence[tuple[str, str]] = (("MASTER", "primary"), ("CORE", "core"))
    return {
        "ReleaseLabel": "emr-7.9.0",
        "Applications": [{"Name": name} for name in ("Hadoop", "Spark", "Livy")],
        "ServiceRole": "EMR_DefaultRole",
        "JobFlowRole": "EMR_EC2_DefaultRole",
        "VisibleToAllUsers": True,
        "Configurations": [{"Classification": "livy-conf", "Properties": dict(LIVY)}],
        "Instances": {
            "KeepJobFlowAliveWhenNoSteps": True,
            "TerminationProtected": True,
            "InstanceGroups": [
                {"Name": name, "InstanceRole": role, "InstanceType": "m5.xlarge", "InstanceCount": 1}
                for role, name in machines
            ],
        },
    }


def _group(balancer: Any, *, vpc: str, balancer_arn: str, port: int) -> str:
    arn = balancer.create_target_group(
        Name=f"baseline-{port}",
        Protocol="TCP",
        Port=port,
        VpcId=vpc,
        TargetType="ip",
        HealthCheckProtocol="TCP",
        HealthCheckIntervalSeconds=CHECK_INTERVAL_SECONDS,
        HealthCheckTimeoutSeconds=CHECK_TIMEOUT_SECONDS,
        HealthyThresholdCount=CHECKS,
        UnhealthyThresholdCount=CHECKS,
    )["TargetGroups"][0]["TargetGroupArn"]
    balancer.create_listener(
        LoadBalancerArn=balancer_arn,
        Protocol="TCP",
        Port=port,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}],
    )
    return str(arn)
