"""A VPC that settings say is there already, made as its owner made it."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from moto.ec2.models import route_tables, subnets, vpcs

from dr_core.network import EMR_TAG
from emr_drill.stand_in.patching import made_as

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn

RANGE = ipaddress.ip_network("10.30.0.0/16")
GATEWAYS = ("s3", "dynamodb")


def make(stand_in: StandIn, existing: Mapping[str, Any]) -> None:
    """Make the VPC with the ids that it has in the settings.

    Args:
        stand_in: where; running.
        existing: the section ``network.existing`` of the settings.
    """
    client: Any = stand_in.client("ec2")
    with made_as(vpcs, "random_vpc_id", existing["vpc_id"]):
        client.create_vpc(CidrBlock=str(RANGE))
    vpc = existing["vpc_id"]
    blocks = RANGE.subnets(new_prefix=20)
    tables = [_table(client, vpc, table) for table in existing["route_tables"] or [None]]
    made: list[str] = []
    for zone in existing["availability_zones"]:
        for key in ("emr_subnet", "service_subnet"):
            with made_as(subnets, "random_subnet_id", zone[key]):
                client.create_subnet(VpcId=vpc, CidrBlock=str(next(blocks)), AvailabilityZone=zone["name"])
            client.modify_subnet_attribute(SubnetId=zone[key], MapPublicIpOnLaunch={"Value": False})
            client.associate_route_table(RouteTableId=tables[len(made) % len(tables)], SubnetId=zone[key])
            made.append(zone[key])
        client.create_tags(Resources=[zone["emr_subnet"]], Tags=[{"Key": EMR_TAG, "Value": "true"}])
    if existing["way_out"]:
        _lead_out(client, vpc, tables=tables, block=str(next(blocks)), zone=existing["availability_zones"][0]["name"])
    for service in existing["endpoints"]:
        request = {"VpcId": vpc, "ServiceName": f"com.amazonaws.{stand_in.region}.{service}"}
        if service in GATEWAYS:
            client.create_vpc_endpoint(**request, VpcEndpointType="Gateway", RouteTableIds=tables)
        else:
            client.create_vpc_endpoint(
                **request, VpcEndpointType="Interface", SubnetIds=made[1::2], PrivateDnsEnabled=True
            )


def _table(client: Any, vpc: str, table: str | None) -> str:
    """A route table called *table*, or as moto calls it."""
    with made_as(route_tables, "random_route_table_id", table) if table else contextlib.nullcontext():
        return str(client.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"])


def _lead_out(client: Any, vpc: str, *, tables: list[str], block: str, zone: str) -> None:
    """A NAT gateway in a public subnet, to which all *tables* lead."""
    public = client.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone)["Subnet"]["SubnetId"]
    address = client.allocate_address(Domain="vpc")["AllocationId"]
    nat = client.create_nat_gateway(SubnetId=public, AllocationId=address)["NatGateway"]["NatGatewayId"]
    for table in tables:
        client.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
