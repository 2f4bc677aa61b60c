"""What there is in the stand-in, kind by kind (A5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from emr_drill.inventory import EXECUTION, LISTINGS, Listing, Thing, inventory

from .stand_in.stack_world import StackWorld, cluster_template, queue_template, stack_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[StackWorld]:
    with stack_world(tmp_path, parts=("event_bus", "notifications", "step_functions", "load_balancers")) as running:
        yield running


@pytest.mark.parametrize("listing", LISTINGS, ids=lambda listing: listing.kind)
def test_every_listing_reads_all_pages(listing: Listing) -> None:
    client: Any = boto3.client(listing.service, region_name="us-east-1")  # type: ignore[call-overload]

    assert client.can_paginate(listing.call)


def test_what_a_stack_makes_is_there_and_gone_with_it(world: StackWorld) -> None:
    before = inventory(world.stand_in)
    stack = world.create("dep", queue_template())
    world.settled(stack)
    made = inventory(world.stand_in) - before
    world.client("cloudformation").delete_stack(StackName=stack)
    world.settled(stack)

    assert {thing.kind for thing in made} == {"AWS::CloudFormation::Stack", "AWS::SQS::Queue"}
    assert inventory(world.stand_in) == before


def test_clusters_that_have_ended_are_no_more(world: StackWorld) -> None:
    stack = world.create("dep-a-g1", cluster_template())
    world.settled(stack)
    alive = inventory(world.stand_in)
    world.client("cloudformation").delete_stack(StackName=stack)
    world.settled(stack)

    cluster = Thing("AWS::EMR::Cluster", "dep-a-g1")
    assert cluster in alive
    assert cluster not in inventory(world.stand_in)


def test_a_rule_is_known_by_what_it_says(world: StackWorld) -> None:
    """A rule that somebody left in a group of the platform has no name."""
    ec2 = world.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    before = inventory(world.stand_in)
    permission = {"IpProtocol": "tcp", "FromPort": 8998, "ToPort": 8998, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])

    assert inventory(world.stand_in) - before == {
        Thing("AWS::EC2::SecurityGroupRule", f"{group} false tcp 8998 8998 10.0.0.0/8 null")
    }


def test_executions_that_run_are_there_too(world: StackWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.stand_in.state_machines, "running", lambda: ["arn:a-delete-1"])

    assert Thing(EXECUTION, "arn:a-delete-1") in inventory(world.stand_in)
