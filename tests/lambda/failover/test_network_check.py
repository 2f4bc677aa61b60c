"""The look at the network, against the shapes that EC2's API has."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from dr_core.network import EMR_TAG, ExpectedNetwork, ExpectedSubnet, Use
from failover.custom_resource import respond
from failover.network_check import REMEMBERED, NetworkCheck, NetworkError

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


def _no_longer(vpc: Vpc) -> None:
    """Make the subnets public, which no settings ask for."""
    gateway = vpc.client.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    vpc.client.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc.id)
    vpc.client.create_route(RouteTableId=vpc.table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)


def test_a_network_that_was_accepted_before_does_not_hold_up_an_update(checked: World, vpc: Vpc) -> None:
    network = text(vpc.expected())
    respond(checked.deployment, event("Create", Network=network))
    _no_longer(vpc)

    respond(
        checked.deployment,
        {**event("Update", "r2", Network=network), "OldResourceProperties": {"Network": network}},
    )

    assert len(started(checked)) == 2


@pytest.mark.parametrize("refused", [True, False])
def test_the_way_back_after_a_failed_update_asks_nothing_of_the_network(
    checked: World, vpc: Vpc, refused: bool
) -> None:
    """CloudFormation gives what failed as the old properties then; the old network may be gone since."""
    old, new = text(vpc.expected()), text(replace(vpc.expected(way_out=refused), endpoints=("s3",)))
    respond(checked.deployment, event("Create", Network=old))
    forth = {**event("Update", "r2", Network=new), "OldResourceProperties": {"Network": old}}
    with pytest.raises(NetworkError) if refused else nullcontext():
        respond(checked.deployment, forth)
    _no_longer(vpc)

    respond(checked.deployment, {**event("Update", "r3", Network=old), "OldResourceProperties": {"Network": new}})

    assert started(checked)[-1]["operation"].endswith("r3")


def test_a_network_that_was_refused_is_checked_again(checked: World, vpc: Vpc) -> None:
    """Also if CloudFormation takes it for the old one, as after a deploy with --disable-rollback."""
    respond(checked.deployment, event("Create", Network=text(vpc.expected())))
    new = text(vpc.expected(way_out=True))

    for number in (2, 3):
        request = {**event("Update", f"r{number}", Network=new), "OldResourceProperties": {"Network": new}}
        with pytest.raises(NetworkError, match="no way out"):
            respond(checked.deployment, request)


def test_a_creation_is_checked_whatever_was_accepted_once(checked: World, vpc: Vpc) -> None:
    network = text(vpc.expected())
    respond(checked.deployment, event("Create", Network=network))
    _no_longer(vpc)

    with pytest.raises(NetworkError, match="it is public"):
        respond(checked.deployment, event("Create", "r2", Network=network))


def test_the_latest_networks_alone_are_remembered(checked: World, vpc: Vpc) -> None:
    """The record does not grow with each deploy."""
    found = [replace(vpc.expected(), subnets=vpc.expected().subnets * times) for times in range(1, REMEMBERED + 3)]
    for number, network in enumerate(found):
        respond(checked.deployment, event("Update", f"r{number}", Network=text(network)))

    digests = [hashlib.sha256(text(each).encode()).hexdigest() for each in found]
    assert list(checked.managed_cluster().accepted_networks) == digests[-REMEMBERED:]


def test_a_deletion_asks_nothing_of_the_network(checked: World, vpc: Vpc) -> None:
    """What was refused has to be deletable."""
    respond(checked.deployment, event("Delete", Network=text(vpc.expected(way_out=True))))

    assert len(started(checked)) == 1
