"""Interface endpoints: who may call through them, and that they outlive an AZ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emr_dr.settings import Settings
from stacks.platform import Platform

from ..synthesis import new_app, resources, templates


def platform(folder: Path, values: dict[str, Any]) -> dict[str, Any]:
    app = new_app(folder)
    Platform(app, "Platform", settings=Settings.parse({"alert_email": "ops@example.org", **values}))
    return templates(app)["Platform"]


def interfaces(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Interface endpoints by the last part of their service's name."""
    return {
        json.dumps(each["ServiceName"]).rsplit(".", 1)[1].strip('"]} '): each
        for each in resources(template, "AWS::EC2::VPCEndpoint").values()
        if each.get("VpcEndpointType") == "Interface"
    }


def callers(template: dict[str, Any]) -> set[str]:
    """Logical ids, without their ends, of the groups that the endpoints' group admits."""
    return {
        str(each["SourceSecurityGroupId"]["Fn::GetAtt"][0])[:-8]
        for name, each in resources(template, "AWS::EC2::SecurityGroupIngress").items()
        if name.startswith("EndpointsGroup")
    }


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return platform(tmp_path_factory.mktemp("closed"), {"network": {"nat_gateways": "none"}})


def test_without_a_way_out_clusters_reach_kms(closed: dict[str, Any]) -> None:
    """B8: the key of their disks; no cluster would start."""
    assert interfaces(closed).keys() == {"kms"}
    assert callers(closed) == {"SecurityPrimary", "SecurityCore"}


def test_an_endpoint_stands_in_every_az_under_its_service_s_own_name(closed: dict[str, Any]) -> None:
    """A12: the loss of an AZ takes none away."""
    (kms,) = interfaces(closed).values()

    assert len(kms["SubnetIds"]) == 3
    assert kms["PrivateDnsEnabled"] is True


def test_no_range_is_admitted_and_nothing_goes_out(closed: dict[str, Any]) -> None:
    (group,) = (
        each for name, each in resources(closed, "AWS::EC2::SecurityGroup").items() if name.startswith("EndpointsGroup")
    )

    assert "SecurityGroupIngress" not in group
    assert [each["CidrIp"] for each in group["SecurityGroupEgress"]] == ["255.255.255.255/32"]


def test_with_nat_gateways_there_are_those_of_the_settings_alone(tmp_path: Path) -> None:
    assert interfaces(platform(tmp_path, {"network": {"interface_endpoints": ["kms"]}})).keys() == {"kms"}


def test_the_glue_catalogue_is_reached_if_jobs_use_it(tmp_path: Path) -> None:
    """B14."""
    values = {"network": {"nat_gateways": "none"}, "permissions": {"read_databases": ["raw"]}}

    assert interfaces(platform(tmp_path, values)).keys() == {"kms", "glue"}


def test_airflow_and_clusters_share_an_endpoint(wheels: Path, tmp_path: Path) -> None:
    """A private DNS name leads to one endpoint of a VPC: one that admits Airflow alone would shut clusters out."""
    template = platform(tmp_path, {"network": {"nat_gateways": "none"}, "mwaa": {"mode": "create"}})

    assert callers(template) == {"SecurityPrimary", "SecurityCore", "AirflowGroup"}
    groups = {json.dumps(each["SecurityGroupIds"]) for each in interfaces(template).values()}
    assert len(groups) == 1
