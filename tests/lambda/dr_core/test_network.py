"""What is said of a network that is not what the settings say."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from dr_core.network import EMR_TAG, ExpectedNetwork, ExpectedSubnet, Use, problems

EMR, SERVICE = "subnet-0e", "subnet-05"
PREFIX = "com.amazonaws.us-east-1."


def expected(*, way_out: bool = True, endpoints: tuple[str, ...] = ()) -> ExpectedNetwork:
    return ExpectedNetwork(
        vpc="vpc-1",
        way_out=way_out,
        endpoints=endpoints,
        subnets=(
            ExpectedSubnet(id=EMR, zone="us-east-1a", use=Use.EMR),
            ExpectedSubnet(id=SERVICE, zone="us-east-1a", use=Use.SERVICE),
        ),
    )


class Seen:
    """What EC2 answers of a network that is as it should be."""

    def __init__(self) -> None:
        self.subnets: list[dict[str, Any]] = [
            {"SubnetId": each, "VpcId": "vpc-1", "AvailabilityZone": "us-east-1a", "MapPublicIpOnLaunch": False}
            for each in (EMR, SERVICE)
        ]
        self.subnets[0]["Tags"] = [{"Key": EMR_TAG, "Value": "true"}]
        self.route_tables: list[dict[str, Any]] = [
            {"RouteTableId": "rtb-main", "Associations": [{"Main": True}], "Routes": [_route("igw-1")]},
            {
                "RouteTableId": "rtb-private",
                "Associations": [{"SubnetId": EMR}, {"SubnetId": SERVICE}],
                "Routes": [_route("nat-1")],
            },
        ]
        self.endpoints: list[dict[str, Any]] = [
            {
                "VpcEndpointId": f"vpce-{service}",
                "ServiceName": PREFIX + service,
                "State": "available",
                "VpcEndpointType": "Gateway",
                "RouteTableIds": ["rtb-private"],
            }
            for service in ("s3", "dynamodb")
        ]

    @property
    def private(self) -> dict[str, Any]:
        return self.route_tables[1]

    def interface(self, service: str, *, dns: bool = True) -> None:
        self.endpoints.append(
            {
                "VpcEndpointId": f"vpce-{service}",
                "ServiceName": PREFIX + service,
                "State": "Available",
                "VpcEndpointType": "Interface",
                "PrivateDnsEnabled": dns,
                "RouteTableIds": [],
            }
        )

    def problems(self, network: ExpectedNetwork) -> list[str]:
        return problems(
            network, subnets=self.subnets, route_tables=self.route_tables, endpoints=copy.deepcopy(self.endpoints)
        )


def _route(target: str, *, state: str = "active") -> dict[str, Any]:
    key = "NatGatewayId" if target.startswith("nat-") else "GatewayId"
    return {"DestinationCidrBlock": "0.0.0.0/0", key: target, "State": state}


@pytest.mark.parametrize("way_out", [True, False])
def test_a_network_that_is_what_the_settings_say_is_taken(way_out: bool) -> None:
    assert Seen().problems(expected(way_out=way_out, endpoints=("s3", "dynamodb"))) == []


def _gone(seen: Seen) -> None:
    seen.subnets.pop(0)


def _elsewhere(seen: Seen) -> None:
    seen.subnets[1]["VpcId"] = "vpc-2"


def _other_zone(seen: Seen) -> None:
    seen.subnets[0]["AvailabilityZone"] = "us-east-1b"


def _public_addresses(seen: Seen) -> None:
    seen.subnets[0]["MapPublicIpOnLaunch"] = True


def _untagged(seen: Seen) -> None:
    seen.subnets[0]["Tags"] = [{"Key": EMR_TAG, "Value": "no"}]


def _public(seen: Seen) -> None:
    seen.private["Routes"] = [_route("igw-1")]


def _by_the_main_table(seen: Seen) -> None:
    seen.private["Associations"] = [{"SubnetId": EMR}]


def _no_route(seen: Seen) -> None:
    seen.private["Routes"] = []


def _nat_is_gone(seen: Seen) -> None:
    seen.private["Routes"] = [_route("nat-1", state="blackhole")]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_gone, f"{EMR}: there is no such subnet in this account and region"),
        (_elsewhere, f"{SERVICE}: it is in vpc-2, not in vpc-1"),
        (_other_zone, f"{EMR}: it is in us-east-1b, not in us-east-1a"),
        (_public_addresses, f"{EMR}: it gives machines public addresses"),
        (_untagged, f"aws ec2 create-tags --resources {EMR} --tags Key={EMR_TAG},Value=true"),
        (_public, f"{EMR}, {SERVICE}: it is public, as the default route of rtb-private leads to igw-1"),
        (_by_the_main_table, f"{SERVICE}: it is public, as the default route of rtb-main leads to igw-1"),
        (_no_route, f"{EMR}, {SERVICE}: no way out, as rtb-private has no active route to 0.0.0.0/0"),
        (_nat_is_gone, f"{EMR}, {SERVICE}: no way out"),
    ],
)
def test_what_is_otherwise_is_told_with_what_to_do(change: Callable[[Seen], None], words: str) -> None:
    """A12: it would show in a failover first, when a cluster is launched there."""
    seen = Seen()
    change(seen)

    assert any(words in each for each in seen.problems(expected())), seen.problems(expected())


def test_the_tag_is_for_clusters_subnets_alone() -> None:
    """B8: EMR's service role reaches no others."""
    seen = Seen()
    _untagged(seen)

    assert all(SERVICE not in each for each in seen.problems(expected()))


def test_without_a_way_out_nobody_misses_one() -> None:
    seen = Seen()
    _no_route(seen)

    assert seen.problems(expected(way_out=False)) == []


@pytest.mark.parametrize(("service", "subnet"), [("s3", EMR), ("dynamodb", SERVICE)])
def test_a_gateway_endpoint_is_in_the_route_table_of_who_needs_it(service: str, subnet: str) -> None:
    """Clusters have no other way to S3, probers none to their table."""
    seen = Seen()
    for each in seen.endpoints:
        if each["ServiceName"] == PREFIX + service:
            each["RouteTableIds"] = ["rtb-main"]

    (problem,) = seen.problems(expected(way_out=False))

    assert problem.startswith(f"{subnet}: {service} is not reached, as no gateway endpoint for it is in rtb-private")
    assert seen.problems(expected(endpoints=("s3", "dynamodb"))) == [problem]
    assert seen.problems(expected()) == []  # by the NAT gateway


def test_an_endpoint_that_hides_the_one_of_managed_scaling_is_told() -> None:
    """A3: clusters would keep their first size, and nobody would know why."""
    seen = Seen()
    seen.interface("execute-api", dns=False)
    assert seen.problems(expected()) == []
    seen.interface("execute-api")

    (problem,) = seen.problems(expected())

    assert "the endpoint vpce-execute-api for execute-api has a private DNS name" in problem


@pytest.mark.parametrize("state", ["deleting", "Failed", "pendingAcceptance"])
def test_an_endpoint_that_is_not_available_is_none(state: str) -> None:
    seen = Seen()
    seen.interface("execute-api")
    for each in seen.endpoints:
        each["State"] = state

    assert [each.split(",")[0] for each in seen.problems(expected(way_out=False))] == [
        f"{EMR}: s3 is not reached",
        f"{SERVICE}: dynamodb is not reached",
    ]


@pytest.mark.parametrize("kind", ["Resource", "ServiceNetwork"])
def test_an_endpoint_that_leads_to_no_service_is_passed_over(kind: str) -> None:
    seen = Seen()
    seen.endpoints.append({"VpcEndpointId": "vpce-1", "VpcEndpointType": kind, "State": "available"})

    assert seen.problems(expected(way_out=False)) == []


def test_everything_is_told_at_once() -> None:
    seen = Seen()
    for change in (_elsewhere, _untagged, _no_route):
        change(seen)

    assert len(seen.problems(expected())) == 3


def test_a_network_of_china_has_the_same_services() -> None:
    seen = Seen()
    for each in seen.endpoints:
        each["ServiceName"] = each["ServiceName"].replace(PREFIX, "cn.com.amazonaws.cn-north-1.")

    assert seen.problems(expected(way_out=False)) == []


def test_what_is_written_is_read() -> None:
    import json

    network = expected(endpoints=("kms",))

    assert ExpectedNetwork.from_json(json.dumps(network.to_dict())) == network


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"vpc": "vpc-1", "way_out": true, "endpoints": [], "subnets": [1]}'])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no description of a network"):
        ExpectedNetwork.from_json(text)
