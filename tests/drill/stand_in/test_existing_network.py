"""A VPC as its owner made it: its ids, its tables and what leads out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import boto3
import pytest
from moto import mock_aws

from emr_drill.stand_in import existing_network
from emr_drill.stand_in.server import StandIn

from ...matrix_rows import REGION, ROWS, settings_of

EXISTING: dict[str, Any] = {
    "way_out": True,
    "endpoints": [],
    "route_tables": [],
    **next(settings_of(row)["network"]["existing"] for row in ROWS if row.name == "existing-vpc"),
}


class Place:
    """As much of a stand-in as is asked for."""

    region = REGION

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name=REGION)  # type: ignore[call-overload]


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        existing_network.make(cast(StandIn, Place()), EXISTING)
        yield boto3.client("ec2", region_name=REGION)


def test_the_route_table_of_the_settings_leads_all_subnets_out(client: Any) -> None:
    (table,) = client.describe_route_tables(RouteTableIds=EXISTING["route_tables"])["RouteTables"]
    subnets = {each[key] for each in EXISTING["availability_zones"] for key in ("emr_subnet", "service_subnet")}

    assert {each.get("SubnetId") for each in table["Associations"]} == subnets
    assert any(each.get("NatGatewayId") for each in table["Routes"])


def test_what_comes_later_has_ids_of_its_own(client: Any) -> None:
    assert client.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"] != EXISTING["vpc_id"]


def test_no_endpoint_is_there_that_the_settings_do_not_name(client: Any) -> None:
    assert client.describe_vpc_endpoints()["VpcEndpoints"] == []
