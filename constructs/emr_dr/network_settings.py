"""The section ``network`` of the settings: a VPC that is made here, or one that is there already."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from emr_dr import endpoints
from emr_dr.own_rules.network import WIDEST
from emr_dr.settings_errors import Problem
from emr_dr.settings_section import Section

FEWEST_ZONES, MOST_ZONES = 2, 3
# Ranges of which no address is anybody's on the internet (RFC 1918, RFC 6598, RFC 2544), as VPCs and what is tied to
# them have (VPC user guide, "VPC CIDR blocks").
PRIVATE = tuple(
    map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15"))
)

AvailabilityZone = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d[a-z]$", examples=["us-east-1a"])]
VpcId = Annotated[str, Field(pattern=r"^vpc-([0-9a-f]{8}|[0-9a-f]{17})$", examples=["vpc-0123456789abcdef0"])]
SubnetId = Annotated[str, Field(pattern=r"^subnet-([0-9a-f]{8}|[0-9a-f]{17})$", examples=["subnet-0123456789abcdef0"])]
RouteTableId = Annotated[str, Field(pattern=r"^rtb-([0-9a-f]{8}|[0-9a-f]{17})$", examples=["rtb-0123456789abcdef0"])]

# Of the VPC that is made here, and of no other.
_OF_OWN = ("vpc_cidr", "availability_zones", "nat_gateways", "interface_endpoints")


class ExistingZone(Section):
    """The subnets of one AZ of a VPC that is there already."""

    name: AvailabilityZone = Field(description="the AZ, such as us-east-1a")
    emr_subnet: SubnetId = Field(
        description="private subnet for clusters and nothing else, with the tag "
        "for-use-with-amazon-emr-managed-policies: true"
    )
    service_subnet: SubnetId = Field(description="private subnet for load balancers, the prober and Airflow")


class ExistingVpc(Section):
    """A VPC that is there already; gateway endpoints that it lacks are made, what else it lacks is refused."""

    vpc_id: VpcId = Field(description="id of the VPC")
    availability_zones: Annotated[
        tuple[ExistingZone, ...], Field(min_length=FEWEST_ZONES, max_length=MOST_ZONES, strict=False)
    ] = Field(description="its two or three AZs, each with a subnet for clusters and one for services")
    way_out: bool = Field(
        default=True,
        description="whether the subnets have a default route (to a NAT gateway, a transit gateway, a firewall); "
        "false: the VPC has to have interface endpoints for the services that are called, named in endpoints",
    )
    endpoints: tuple[str, ...] = Field(
        default=(),
        strict=False,
        description="services that machines of the VPC reach by an endpoint already, such as s3, dynamodb, kms: no "
        "gateway endpoint is made for them, and interface endpoints among them have to admit the subnets' ranges",
    )
    route_tables: tuple[RouteTableId, ...] = Field(
        default=(),
        strict=False,
        description="route tables of all the subnets, for the gateway endpoints of S3 and DynamoDB that are made; "
        "empty if both are in endpoints",
    )
    flow_logs: bool = Field(
        default=True, description="whether flow logs of the VPC are made; false if it has its own already"
    )

    @property
    def gateway_endpoints(self) -> tuple[str, ...]:
        """Those among its endpoints that a route table leads to, so that one can see whether they are there."""
        return tuple(service for service in self.endpoints if service in endpoints.GATEWAY)


class Network(Section):
    """The VPC of the platform."""

    vpc_cidr: str = Field(
        default="10.20.0.0/16",
        pattern=r"^\d{1,3}(\.\d{1,3}){3}/(1[6-9]|20)$",
        description="range of the VPC, /16 to /20",
    )
    availability_zones: Annotated[
        tuple[AvailabilityZone, ...] | None, Field(min_length=FEWEST_ZONES, max_length=MOST_ZONES, strict=False)
    ] = Field(default=None, description="the two or three AZs; null takes the first three of the region")
    nat_gateways: Literal["per-az", "one", "none"] = Field(
        default="per-az",
        description="per-az survives the loss of an AZ; with one, that AZ takes the way out of all clusters along; "
        "with none, interface endpoints are made for what is called, and whether managed scaling works has to be "
        "watched (docs/network.md)",
    )
    interface_endpoints: tuple[str, ...] = Field(
        default=(),
        strict=False,
        description="services that get an interface endpoint besides those that need one, so that calls of them stay "
        f"in the VPC that is made here: {', '.join(endpoints.INTERFACE)}",
    )
    existing: ExistingVpc | None = Field(
        default=None, description="a VPC that is there already, in place of one that is made; null makes one"
    )

    @property
    def zones(self) -> tuple[str, ...] | None:
        """The names of the AZs, ``None`` where only AWS knows them."""
        if self.existing is not None:
            return tuple(each.name for each in self.existing.availability_zones)
        return self.availability_zones

    @property
    def zone_count(self) -> int:
        """How many AZs there are."""
        return MOST_ZONES if self.zones is None else len(self.zones)

    @property
    def has_way_out(self) -> bool:
        """Whether private subnets have a route out of the VPC."""
        return self.nat_gateways != "none" if self.existing is None else self.existing.way_out


def problems(network: Network, *, region: str | None, parts: Collection[str]) -> Iterator[Problem]:
    """What in the section does not fit together, or to the rest of the settings.

    Args:
        region: the region of the settings.
        parts: what else is in use, see :func:`emr_dr.endpoints.needed`.
    """
    yield from _endpoint_problems(network)
    if network.existing is not None:
        yield from _foreign_keys(network)
        yield from _zone_problems("network.existing.availability_zones", network.zones or (), region=region)
        yield from _subnet_problems(network.existing)
        yield from _gateway_problems(network.existing)
        yield from _door_problems(network.existing, parts)
        return
    if network.availability_zones is not None:
        yield from _zone_problems("network.availability_zones", network.availability_zones, region=region)
    yield from _range_problems(network.vpc_cidr)


def client_problems(key: str, clients: Iterable[str]) -> Iterator[Problem]:
    """Which of *clients*, ids of security groups and CIDR blocks, admit nobody, everybody, or public addresses.

    Load balancers and web servers are internal: whoever reaches them comes from the VPC or a network tied to it.
    """
    for client in clients:
        if client.startswith("sg-"):
            continue
        try:
            network = ipaddress.IPv4Network(client, strict=False)
        except ValueError as error:
            yield Problem(
                key=key, got=client, allowed=f"four numbers from 0 to 255, and /0 to /32 ({error})", remedy="correct it"
            )
            continue
        if network.prefixlen < WIDEST:
            yield Problem(
                key=key,
                got=client,
                allowed=f"ranges of /{WIDEST} or narrower: no private network is wider",
                remedy="name the security groups or the networks of clients",
            )
        elif not any(network.subnet_of(each) for each in PRIVATE):
            yield Problem(
                key=key,
                got=client,
                allowed=f"private ranges, within {', '.join(map(str, PRIVATE))}: the load balancers are internal",
                remedy="name the range that clients have in the VPC or behind its gateways, or their security groups",
            )


def _zone_problems(key: str, zones: tuple[str, ...], *, region: str | None) -> Iterator[Problem]:
    if region is None:
        yield Problem(
            key=key,
            got=list(zones),
            allowed="null as long as region is null",
            remedy=f"set region: {zones[0][:-1]}",
        )
    elif foreign := [zone for zone in zones if zone[:-1] != region]:
        yield Problem(
            key=key,
            got=foreign,
            allowed=f"AZs of the region {region}, such as {region}a",
            remedy="name AZs of that region, or change region",
        )
    if twice := _twice(zones):
        yield Problem(
            key=key, got=twice, allowed=f"{FEWEST_ZONES} or {MOST_ZONES} different AZs", remedy="name each AZ once"
        )


def _range_problems(cidr: str) -> Iterator[Problem]:
    try:
        ipaddress.ip_network(cidr)
    except ValueError as error:
        yield Problem(
            key="network.vpc_cidr",
            got=cidr,
            allowed=f"four numbers from 0 to 255 that begin a range of that size ({error})",
            remedy="correct it, such as 10.20.0.0/16",
        )


def _foreign_keys(network: Network) -> Iterator[Problem]:
    """Keys that say nothing of a VPC that is there: whoever sets one believes otherwise."""
    for key in _OF_OWN:
        value = getattr(network, key)
        if value != Network.model_fields[key].default:
            yield Problem(
                key=f"network.{key}",
                got=list(value) if isinstance(value, tuple) else value,
                allowed=f"nothing beside network.existing: {_WHY[key]}",
                remedy=f"remove it, or remove network.existing; see {_INSTEAD[key]}",
            )


_INSTEAD = {
    "vpc_cidr": "network.existing.vpc_id",
    "availability_zones": "network.existing.availability_zones",
    "nat_gateways": "network.existing.way_out",
    "interface_endpoints": "network.existing.endpoints",
}
_WHY = {
    "vpc_cidr": "that VPC has its range",
    "availability_zones": "it names its AZs",
    "nat_gateways": "it says whether it has a way out",
    "interface_endpoints": "one that is made there takes the service's name for the whole VPC, and admits ours alone",
}


def _subnet_problems(existing: ExistingVpc) -> Iterator[Problem]:
    subnets = [subnet for each in existing.availability_zones for subnet in (each.emr_subnet, each.service_subnet)]
    if twice := _twice(subnets):
        yield Problem(
            key="network.existing.availability_zones",
            got=twice,
            allowed="each subnet once: clusters and services have subnets of their own in each AZ",
            remedy="name another subnet, or make one",
        )


def _gateway_problems(existing: ExistingVpc) -> Iterator[Problem]:
    missing = [service for service in endpoints.GATEWAY if service not in existing.endpoints]
    if missing and not existing.route_tables:
        yield Problem(
            key="network.existing.route_tables",
            got=[],
            allowed=f"the route tables of all the subnets, as gateway endpoints have to be made for "
            f"{' and '.join(missing)}",
            remedy=f"name them, or add {' and '.join(missing)} to network.existing.endpoints if the VPC has them",
        )
    if not missing and existing.route_tables:
        yield Problem(
            key="network.existing.route_tables",
            got=list(existing.route_tables),
            allowed="none as long as network.existing.endpoints has s3 and dynamodb: no gateway endpoint is made",
            remedy="remove them, or take from network.existing.endpoints what the VPC does not have",
        )
    if twice := _twice(existing.route_tables):
        yield Problem(
            key="network.existing.route_tables", got=twice, allowed="each one once", remedy="remove the repetition"
        )


def _door_problems(existing: ExistingVpc, parts: Collection[str]) -> Iterator[Problem]:
    """Interface endpoints are never made there: the private DNS name of one leads everybody in the VPC to it."""
    needed = endpoints.needed(parts, has_way_out=existing.way_out)
    missing = [service for service in needed if service not in existing.endpoints]
    if missing:
        yield Problem(
            key="network.existing.endpoints",
            got=list(existing.endpoints),
            allowed=f"with network.existing.way_out: false, {', '.join(needed)} among them; {', '.join(missing)} "
            "not yet, and none is made there, as its name would lead everybody in the VPC to it",
            remedy="make interface endpoints for them in the VPC, with private DNS names and a group that admits TCP "
            "443 from its ranges, then name them here; or give the subnets a way out",
        )


def _endpoint_problems(network: Network) -> Iterator[Problem]:
    there = network.existing.endpoints if network.existing is not None else ()
    for key, names, known in (
        ("network.interface_endpoints", network.interface_endpoints, endpoints.INTERFACE),
        ("network.existing.endpoints", there, (*endpoints.GATEWAY, *endpoints.INTERFACE)),
    ):
        if endpoints.BREAKS_SCALING in names:
            yield Problem(
                key=key,
                got=endpoints.BREAKS_SCALING,
                allowed=f"anything but {endpoints.BREAKS_SCALING}: with its private DNS name managed scaling of EMR "
                "does not reach its endpoint",
                remedy="remove that endpoint, or switch off its private DNS name and leave it out here",
            )
        elif unknown := [name for name in names if name not in known]:
            yield Problem(
                key=key,
                got=unknown,
                allowed=f"services that something here calls: {', '.join(known)}",
                remedy="leave out what nothing here calls; docs/network.md says who calls what",
            )
        if twice := _twice(names):
            yield Problem(key=key, got=twice, allowed="each service once", remedy="remove the repetition")


def _twice(values: Iterable[Any]) -> list[Any]:
    return [value for value, count in Counter(values).items() if count > 1]
