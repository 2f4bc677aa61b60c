"""Whether the network is what the settings say: what EC2 answers, compared with what clusters and probers need.

A subnet that does not do shows in a failover first, when a cluster is launched there for the first time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

EMR_TAG = "for-use-with-amazon-emr-managed-policies"
"""The tag, with the value ``true``, without which EMR's service role starts no machine in a subnet."""

# The endpoint whose private DNS name hides the one that EMR's managed scaling calls.
BREAKS_SCALING = "execute-api"
_DEFAULT_ROUTE = "0.0.0.0/0"
# Where a default route may lead, in the form of DescribeRouteTables; to an internet gateway makes a subnet public.
_WAYS_OUT = (
    "NatGatewayId",
    "TransitGatewayId",
    "NetworkInterfaceId",
    "InstanceId",
    "VpcPeeringConnectionId",
    "GatewayId",
    "CoreNetworkArn",
    "CarrierGatewayId",
    "LocalGatewayId",
)
Answer = Mapping[str, Any]


class Use(StrEnum):
    """What a subnet is for.

    Attributes:
        EMR: clusters.
        SERVICE: load balancers, a prober and Airflow.
    """

    EMR = "emr"
    SERVICE = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedSubnet:
    """A subnet as the settings have it."""

    id: str
    zone: str
    use: Use


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedNetwork:
    """The network as the settings have it.

    Attributes:
        vpc: id of the VPC.
        way_out: whether its private subnets have a default route.
        endpoints: services, s3 or dynamodb, that must have a gateway endpoint there which nobody made here.
        subnets: those that are used.
    """

    vpc: str
    way_out: bool
    endpoints: tuple[str, ...] = ()
    subnets: tuple[ExpectedSubnet, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "vpc": self.vpc,
            "way_out": self.way_out,
            "endpoints": list(self.endpoints),
            "subnets": [{"id": each.id, "zone": each.zone, "use": str(each.use)} for each in self.subnets],
        }

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What :meth:`to_dict` made.

        Raises:
            ValueError: it is not that.
        """
        try:
            data = json.loads(text)
            return cls(
                vpc=data["vpc"],
                way_out=data["way_out"],
                endpoints=tuple(data["endpoints"]),
                subnets=tuple(
                    ExpectedSubnet(id=each["id"], zone=each["zone"], use=Use(each["use"])) for each in data["subnets"]
                ),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"no description of a network: {error!r}") from error


def problems(
    expected: ExpectedNetwork,
    *,
    subnets: Sequence[Answer],
    route_tables: Sequence[Answer],
    endpoints: Sequence[Answer],
) -> list[str]:
    """What is otherwise than *expected*, a sentence each that says what to do.

    Args:
        expected: the settings.
        subnets: ``Subnets`` of DescribeSubnets, of those ids.
        route_tables: ``RouteTables`` of DescribeRouteTables, of the VPC.
        endpoints: ``VpcEndpoints`` of DescribeVpcEndpoints, of the VPC.
    """
    by_id = {str(each["SubnetId"]): each for each in subnets}
    # EC2's guide and its API write the state with and without a capital.
    there = [each for each in endpoints if str(each.get("State")).lower() == "available"]
    # What is wrong and what to do, and the subnets that it is about: they often share it with their route table.
    found: dict[str, list[str]] = {}
    for wanted in expected.subnets:
        subnet = by_id.get(wanted.id)
        table = _table_of(wanted.id, route_tables)
        for sentence in (
            ["there is no such subnet in this account and region: name another one"]
            if subnet is None
            else [
                *_subnet_problems(expected, wanted, subnet),
                *_route_problems(expected, table),
                *_gateway_problems(expected, wanted, table, there),
            ]
        ):
            found.setdefault(sentence, []).append(wanted.id)
    return [
        *(f"{', '.join(ids)}: {sentence}" for sentence, ids in found.items()),
        *_endpoint_problems(there),
    ]


def _subnet_problems(expected: ExpectedNetwork, wanted: ExpectedSubnet, subnet: Answer) -> Iterator[str]:
    if subnet["VpcId"] != expected.vpc:
        yield f"it is in {subnet['VpcId']}, not in {expected.vpc}: name a subnet of that VPC"
    if subnet["AvailabilityZone"] != wanted.zone:
        yield (
            f"it is in {subnet['AvailabilityZone']}, not in {wanted.zone}: name it there, or a cluster that is to "
            "leave an AZ would be launched in it"
        )
    if subnet.get("MapPublicIpOnLaunch"):
        yield "it gives machines public addresses: switch that off, or name a private subnet"
    tags = {each["Key"]: each["Value"] for each in subnet.get("Tags", [])}
    if wanted.use is Use.EMR and tags.get(EMR_TAG) != "true":
        yield (
            f"it has no tag {EMR_TAG}: true, without which EMR starts no machine there: aws ec2 create-tags "
            f"--resources {wanted.id} --tags Key={EMR_TAG},Value=true"
        )


def _table_of(subnet: str, route_tables: Iterable[Answer]) -> Answer:
    """The route table of a subnet: its own, else the main one of the VPC."""
    main: Answer = {}
    for table in route_tables:
        for association in table.get("Associations", []):
            if association.get("SubnetId") == subnet:
                return table
            if association.get("Main"):
                main = table
    return main


def _route_problems(expected: ExpectedNetwork, table: Answer) -> Iterator[str]:
    default = [
        route
        for route in table.get("Routes", [])
        if route.get("DestinationCidrBlock") == _DEFAULT_ROUTE and route.get("State", "active") == "active"
    ]
    targets = [str(route[name]) for route in default for name in _WAYS_OUT if route.get(name)]
    if any(target.startswith("igw-") for target in targets):
        yield (
            f"it is public, as the default route of {_name(table)} leads to {', '.join(targets)}: name a private "
            "subnet, or lead the route to a NAT gateway"
        )
    elif expected.way_out and not targets:
        yield (
            f"no way out, as {_name(table)} has no active route to {_DEFAULT_ROUTE}: add one (to a NAT gateway, a "
            "transit gateway, a firewall), or set network.existing.way_out: false"
        )


def _gateway_problems(
    expected: ExpectedNetwork, wanted: ExpectedSubnet, table: Answer, endpoints: Sequence[Answer]
) -> Iterator[str]:
    """Clusters need S3, probers DynamoDB: where nothing leads out, by a gateway endpoint in the subnet's table."""
    needed = "s3" if wanted.use is Use.EMR else "dynamodb"
    if expected.way_out and needed not in expected.endpoints:
        return
    reached = any(
        _service(each) == needed
        and each.get("VpcEndpointType", "Gateway") == "Gateway"
        and table.get("RouteTableId") in each.get("RouteTableIds", [])
        for each in endpoints
    )
    if not reached:
        yield (
            f"{needed} is not reached, as no gateway endpoint for it is in {_name(table)}: add that route table to the "
            "endpoint, or to network.existing.route_tables if the endpoint is made here"
        )


def _endpoint_problems(endpoints: Sequence[Answer]) -> Iterator[str]:
    """Nothing of interface endpoints that are missing: their names may lead to those of another VPC."""
    for each in endpoints:
        if _service(each) == BREAKS_SCALING and each.get("PrivateDnsEnabled"):
            yield (
                f"the endpoint {each.get('VpcEndpointId')} for {BREAKS_SCALING} has a private DNS name, which keeps "
                "managed scaling of EMR from its own endpoint: switch the private DNS name off"
            )


def _service(endpoint: Answer) -> str:
    """``com.amazonaws.us-east-1.ecr.api`` is ``ecr.api``; in China the name begins with ``cn.``.

    An endpoint for a resource or a service network has no such name.
    """
    parts = str(endpoint.get("ServiceName", "")).removeprefix("cn.").split(".", 3)
    return parts[3] if len(parts) > 3 else ""


def _name(table: Answer) -> str:
    return str(table.get("RouteTableId", "any route table"))
