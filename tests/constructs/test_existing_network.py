"""A VPC that is there already: what is added to it, and what is not (A2, B8)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.cx_api import SynthesisMessageLevel

from dr_core import there_already
from emr_dr.settings import Settings
from stacks.active_passive import ActivePassive
from stacks.platform import Platform

from ..matrix_rows import ROWS, settings_of
from ..synthesis import findings, new_app, only, resources

BY_NAME = {row.name: settings_of(row) for row in ROWS}
VPC = "vpc-0123456789abcdef0"


class Made:
    """Both stacks of a row of the settings matrix."""

    def __init__(self, folder: Path, row: str) -> None:
        settings = Settings.parse(BY_NAME[row])
        self.app = new_app(folder)
        platform = Platform(self.app, "Platform", settings=settings)
        ActivePassive(self.app, "ActivePassive", settings=settings, platform=platform)
        self.findings = findings(self.app)
        made = self.app.synth()
        self.platform = made.get_stack_by_name("Platform").template
        self.strategy = made.get_stack_by_name("ActivePassive").template
        self.warnings = [
            str(each.entry.data)
            for each in made.get_stack_by_name("Platform").messages
            if each.level is SynthesisMessageLevel.WARNING
        ]


@pytest.fixture(scope="module")
def open_vpc(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("open"), "existing-vpc")


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("closed"), "existing-vpc-closed")


def test_nothing_of_a_network_is_made_but_what_it_lacks(open_vpc: Made) -> None:
    kinds = {
        resource["Type"]
        for resource in open_vpc.platform["Resources"].values()
        if resource["Type"].startswith("AWS::EC2::") and "SecurityGroup" not in resource["Type"]
    }

    assert kinds == {"AWS::EC2::VPCEndpoint", "AWS::EC2::FlowLog"}


def test_gateway_endpoints_stand_in_the_route_tables_of_the_settings(open_vpc: Made) -> None:
    endpoints = resources(open_vpc.platform, "AWS::EC2::VPCEndpoint").values()

    assert sorted(json.dumps(each["ServiceName"]).rsplit(".", 1)[1].strip('"]} ') for each in endpoints) == [
        "dynamodb",
        "s3",
    ]
    for each in endpoints:
        assert (each["VpcId"], each["VpcEndpointType"]) == (VPC, "Gateway")
        assert each["RouteTableIds"] == ["rtb-0123456789abcdef0"]


def test_flow_logs_are_made_unless_the_vpc_has_them(open_vpc: Made, closed: Made) -> None:
    """B8: audit logs."""
    assert only(open_vpc.platform, "AWS::EC2::FlowLog")["ResourceId"] == VPC
    assert resources(closed.platform, "AWS::EC2::FlowLog") == {}


def test_no_interface_endpoint_is_made_there(closed: Made) -> None:
    """Its private DNS name would lead the owner's machines to it, whom its group does not admit."""
    assert resources(closed.platform, "AWS::EC2::VPCEndpoint") == {}


def test_every_group_is_of_the_vpc(open_vpc: Made) -> None:
    for template in (open_vpc.platform, open_vpc.strategy):
        groups = resources(template, "AWS::EC2::SecurityGroup").values()
        assert {each["VpcId"] for each in groups} == {VPC}


def test_load_balancers_and_probers_stand_in_the_subnets_for_services(open_vpc: Made) -> None:
    """A cluster's subnet holds clusters alone: a fault there hits nobody else."""
    zones = BY_NAME["existing-vpc"]["network"]["existing"]["availability_zones"]
    services = [zone["service_subnet"] for zone in zones]
    balancers = resources(open_vpc.strategy, "AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    in_vpc = [
        each["VpcConfig"]["SubnetIds"]
        for each in resources(open_vpc.strategy, "AWS::Lambda::Function").values()
        if "VpcConfig" in each
    ]

    assert [each["Subnets"] for each in balancers] == [services, services]
    assert sorted(in_vpc) == [[subnet] for subnet in services]


def test_clusters_are_launched_in_their_own_subnets(open_vpc: Made) -> None:
    zones = BY_NAME["existing-vpc"]["network"]["existing"]["availability_zones"]
    variables = json.dumps(resources(open_vpc.strategy, "AWS::Lambda::Function"))

    assert all(zone["emr_subnet"] in variables for zone in zones)
    assert not any(
        f'\\"subnet_id\\": \\"{zone["service_subnet"]}' in variables.replace('\\\\"', '\\"') for zone in zones
    )


def test_the_custom_resource_is_told_what_it_has_to_find(closed: Made) -> None:
    """A12: what only AWS knows is checked before anything is launched."""
    network = json.loads(only(closed.strategy, "Custom::EmrManagedCluster")["Network"])

    assert (network["vpc"], network["way_out"]) == (VPC, False)
    assert network["endpoints"] == ["s3", "dynamodb"]  # that of kms may be in another VPC, behind its name
    assert [(each["use"], each["zone"]) for each in network["subnets"]] == [
        ("emr", "us-east-1a"),
        ("emr", "us-east-1b"),
        ("service", "us-east-1a"),
        ("service", "us-east-1b"),
    ]


def test_the_template_tells_a_rehearsal_what_is_there_already(open_vpc: Made) -> None:
    told: dict[str, Any] = open_vpc.platform["Metadata"][there_already.NETWORK]

    assert told["vpc_id"] == VPC
    assert len(told["availability_zones"]) == 3


def test_the_policy_checks_find_nothing(open_vpc: Made, closed: Made) -> None:
    """B8."""
    assert open_vpc.findings == closed.findings == []


def test_nobody_is_warned_of_what_is_no_matter(open_vpc: Made) -> None:
    """Of route tables that nothing here asks the subnets for."""
    assert open_vpc.warnings == []


def test_who_has_no_way_out_is_warned_of_what_that_breaks(closed: Made) -> None:
    (warning,) = closed.warnings

    assert "managed scaling" in warning and "docs/network.md" in warning
