"""The VPC."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs

from emr_dr.network import EMR_TAG, Network
from emr_dr.settings import Settings

from ..synthesis import new_app, only, resources, templates

ZONES = ["us-east-1a", "us-east-1b", "us-east-1f"]


def synthesize(folder: Path, values: dict[str, Any]) -> dict[str, Any]:
    app = new_app(folder)
    stack = Stack(app, "Stack")
    Network(
        stack,
        "Network",
        settings=Settings.parse(values),
        key=kms.Key(stack, "Key"),
        log_retention=logs.RetentionDays.ONE_MONTH,
    )
    return templates(app)["Stack"]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return synthesize(tmp_path_factory.mktemp("default"), {})


@pytest.fixture(scope="module")
def without_nat(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return synthesize(tmp_path_factory.mktemp("none"), {"network": {"nat_gateways": "none"}})


def subnets(template: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [
        subnet
        for subnet in resources(template, "AWS::EC2::Subnet").values()
        if {"Key": "aws-cdk:subnet-name", "Value": kind} in subnet["Tags"]
    ]


@pytest.mark.parametrize("kind", ["Emr", "Service", "Nat"])
def test_each_kind_of_subnet_stands_in_three_zones_of_an_unknown_region(template: dict[str, Any], kind: str) -> None:
    """A2, A12: a cluster can be launched in another AZ wherever the templates are deployed."""
    assert [subnet["AvailabilityZone"] for subnet in subnets(template, kind)] == [
        {"Fn::Select": [number, {"Fn::GetAZs": ""}]} for number in range(3)
    ]


def test_named_zones_are_used_as_they_are(tmp_path: Path) -> None:
    template = synthesize(tmp_path, {"region": "us-east-1", "network": {"availability_zones": ZONES}})

    assert [subnet["AvailabilityZone"] for subnet in subnets(template, "Emr")] == ZONES


def test_only_the_clusters_subnets_admit_emrs_service_role(template: dict[str, Any]) -> None:
    """A14: AmazonEMRServicePolicy_v2 starts machines in tagged subnets alone."""
    tagged = [
        subnet
        for subnet in resources(template, "AWS::EC2::Subnet").values()
        if {"Key": EMR_TAG, "Value": "true"} in subnet["Tags"]
    ]

    assert tagged == subnets(template, "Emr")


def test_no_machine_gets_a_public_address(template: dict[str, Any]) -> None:
    """A2, B8: private subnets."""
    assert {subnet["MapPublicIpOnLaunch"] for subnet in resources(template, "AWS::EC2::Subnet").values()} == {False}


@pytest.mark.parametrize(("choice", "count"), [("per-az", 3), ("one", 1), ("none", 0)])
def test_nat_gateways_as_the_settings_say(tmp_path: Path, choice: str, count: int) -> None:
    template = synthesize(tmp_path, {"network": {"nat_gateways": choice}})

    assert len(resources(template, "AWS::EC2::NatGateway")) == count


def test_adding_nat_gateways_moves_no_subnet(template: dict[str, Any], without_nat: dict[str, Any]) -> None:
    """A changed range replaces a subnet, and everything in it."""
    kept = {name: properties["CidrBlock"] for name, properties in resources(without_nat, "AWS::EC2::Subnet").items()}
    there = {name: properties["CidrBlock"] for name, properties in resources(template, "AWS::EC2::Subnet").items()}

    assert kept.items() <= there.items()


@pytest.mark.parametrize("cidr", ["10.20.0.0/16", "10.20.0.0/18", "10.20.0.0/20"])
def test_subnets_fit_into_the_range_and_each_other(tmp_path: Path, cidr: str) -> None:
    template = synthesize(tmp_path, {"network": {"vpc_cidr": cidr}})
    blocks = [ipaddress.ip_network(subnet["CidrBlock"]) for subnet in resources(template, "AWS::EC2::Subnet").values()]

    assert len(blocks) == 9
    assert not any(one.overlaps(other) for one in blocks for other in blocks if one is not other)


@pytest.mark.parametrize("service", [".s3", ".dynamodb"])
def test_a_gateway_endpoint_stands_in_every_private_route_table(without_nat: dict[str, Any], service: str) -> None:
    """Probers have no other way to the evidence table, clusters none to their logs."""
    endpoint = next(
        found
        for found in resources(without_nat, "AWS::EC2::VPCEndpoint").values()
        if service in str(found["ServiceName"])
    )

    assert endpoint["VpcEndpointType"] == "Gateway"
    assert len(endpoint["RouteTableIds"]) == 6


def test_traffic_is_logged_under_the_key(template: dict[str, Any]) -> None:
    """B8: audit logs."""
    assert only(template, "AWS::EC2::FlowLog")["TrafficType"] == "ALL"
    assert "KmsKeyId" in only(template, "AWS::Logs::LogGroup")
