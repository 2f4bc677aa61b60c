"""The look at the network, against the shapes that EC2's API has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from dr_core.network import EMR_TAG, ExpectedNetwork, ExpectedSubnet, Use
from failover.custom_resource import respond
from failover.network_check import NetworkCheck, NetworkError

from .test_custom_resource import event, started
from .world import World

REGION = "us-east-1"


class Vpc:
    """A VPC with one private subnet for clusters and one for services, as EC2 has it."""

    def __init__(self) -> None:
        self.client: Any = boto3.client("ec2", region_name=REGION)
        self.id = self.client.create_vpc(CidrBlock="10.30.0.0/16")["Vpc"]["VpcId"]
        self.emr, self.service = (self._subnet(block) for block in ("10.30.0.0/20", "10.30.16.0/24"))
        self.client.create_tags(Resources=[self.emr], Tags=[{"Key": EMR_TAG, "Value": "true"}])
        tables = self.client.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [self.id]}])
        self.table = tables["RouteTables"][0]["RouteTableId"]
        for service in ("s3", "dynamodb"):
            self.client.create_vpc_endpoint(
                VpcId=self.id, ServiceName=f"com.amazonaws.{REGION}.{service}", RouteTableIds=[self.table]
            )

    def _subnet(self, block: str) -> str:
        made = self.client.create_subnet(VpcId=self.id, CidrBlock=block, AvailabilityZone=f"{REGION}a")
        subnet = str(made["Subnet"]["SubnetId"])
        self.client.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": False})
        return subnet

    def expected(self, *, way_out: bool = False) -> ExpectedNetwork:
        return ExpectedNetwork(
            vpc=self.id,
            way_out=way_out,
            endpoints=("s3", "dynamodb"),
            subnets=(
                ExpectedSubnet(id=self.emr, zone=f"{REGION}a", use=Use.EMR),
                ExpectedSubnet(id=self.service, zone=f"{REGION}a", use=Use.SERVICE),
            ),
        )


@pytest.fixture
def vpc() -> Iterator[Vpc]:
    with mock_aws():
        yield Vpc()


@pytest.fixture
def checked(world: World, vpc: Vpc) -> World:
    """A world whose network is *vpc*."""
    world.deployment = replace(world.deployment, network=NetworkCheck(client=lambda: vpc.client))
    return world


def text(network: ExpectedNetwork) -> str:
    return json.dumps(network.to_dict())


def test_a_network_that_is_what_the_settings_say_is_taken(vpc: Vpc) -> None:
    NetworkCheck(client=lambda: vpc.client).check(vpc.expected())


def test_a_subnet_that_there_is_not_is_told(vpc: Vpc) -> None:
    network = vpc.expected()
    missing = ExpectedSubnet(id="subnet-0123456789abcdef0", zone=f"{REGION}b", use=Use.EMR)

    with pytest.raises(NetworkError, match="subnet-0123456789abcdef0: there is no such subnet"):
        NetworkCheck(client=lambda: vpc.client).check(replace(network, subnets=(*network.subnets, missing)))


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_nothing_is_launched_in_a_network_that_does_not_do(checked: World, vpc: Vpc, kind: str) -> None:
    """A12: the deploy says what is wrong, not the failover in some months."""
    request = event(kind, Network=text(vpc.expected(way_out=True)))

    with pytest.raises(
        NetworkError, match=r"the network is not what the settings say: subnet-.*, subnet-.*: no way out"
    ):
        respond(checked.deployment, request)
    assert started(checked) == []


def test_a_network_that_does_is_launched_in(checked: World, vpc: Vpc) -> None:
    respond(checked.deployment, event("Create", Network=text(vpc.expected())))

    assert [each["kind"] for each in started(checked)] == ["launch"]


def test_a_network_that_was_accepted_before_does_not_hold_up_an_update(checked: World, vpc: Vpc) -> None:
    """Nor the way back after one that failed."""
    network = text(vpc.expected(way_out=True))
    request = {**event("Update", Network=network), "OldResourceProperties": {"Network": network}}

    respond(checked.deployment, request)

    assert len(started(checked)) == 1


def test_a_deletion_asks_nothing_of_the_network(checked: World, vpc: Vpc) -> None:
    """What was refused has to be deletable."""
    respond(checked.deployment, event("Delete", Network=text(vpc.expected(way_out=True))))

    assert len(started(checked)) == 1
