"""The rows of the settings matrix: settings that are unlike the defaults, and that people have to be able to choose.

Data alone; add a row here and ``python -m tests.settings_matrix`` synthesizes, lints and drills it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REGION = "us-east-1"
ACCOUNT = "123456789012"
ZONES = tuple(f"{REGION}{letter}" for letter in "abc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Settings, and a drill that shows that they work.

    Attributes:
        name: of the row.
        what: what the settings choose, for people.
        settings: content of the settings file.
        strategy: what is drilled; its settings are the row's alone.
        fault: what is broken.
        own: the drill synthesizes for itself, with the settings of its fault or, asked by these words, with
            certificates that it makes and no settings file can name beforehand; with None, what the row synthesized is
            drilled.
    """

    name: str
    what: str
    settings: Mapping[str, Any]
    strategy: str = "active-passive"
    fault: str = "kill-primary"
    own: tuple[str, ...] | None = None


def _existing(zones: tuple[str, ...] = ZONES, **more: Any) -> dict[str, Any]:
    """A VPC that is there already, over *zones*."""
    return {
        "vpc_id": "vpc-0123456789abcdef0",
        "availability_zones": [
            {
                "name": zone,
                "emr_subnet": f"subnet-0123456789abcde{number}0",
                "service_subnet": f"subnet-0123456789abcde{number}1",
            }
            for number, zone in enumerate(zones, start=1)
        ],
        **more,
    }


_ROUTE_TABLES = ["rtb-0123456789abcdef0"]
_FLEETS = {
    "maximum_instances_alone": None,
    "fleets": {
        "maximum_units": 10,
        "maximum_units_alone": 20,
        "primary": {"types": ["m5.xlarge", "m5a.xlarge"]},
        "core": {"units": 2, "types": [{"type": "m5.xlarge"}, {"type": "m5a.xlarge"}]},
        "task": {
            "units": 2,
            "spot_percent": 50,
            "types": [{"type": "m5.2xlarge", "units": 2}, {"type": "r5.2xlarge", "units": 2}],
        },
    },
}
_TLS = {
    "certificate_arn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/01234567-89ab-cdef-0123-456789abcdef",
    "host_name": "{strategy}.example.com",
    "hosted_zone_id": "Z0123456789ABC",
    "hosted_zone_name": "example.com",
}
_TLS_EVERYWHERE = {
    **_TLS,
    "authority_file": "tests/authority.pem",
    "emr_certificates": "s3://certificates/clusters.zip",
}

ROWS: tuple[Row, ...] = (
    Row(
        name="defaults",
        what="nothing: three AZs, a NAT gateway in each, instance groups, no Airflow, no TLS",
        settings={},
    ),
    Row(
        name="existing-vpc",
        what="a VPC that is there already, with NAT gateways and nothing else",
        settings={"network": {"existing": _existing(route_tables=_ROUTE_TABLES)}},
    ),
    Row(
        name="existing-vpc-closed",
        what="a VPC of two AZs that is there already, with no way out and with endpoints of its own",
        settings={
            "network": {
                "existing": _existing(ZONES[:2], way_out=False, endpoints=["s3", "dynamodb", "kms"], flow_logs=False)
            }
        },
    ),
    Row(
        name="two-azs",
        what="two AZs",
        settings={"network": {"availability_zones": list(ZONES[:2])}},
        fault="az-blackhole-of-two",
        own=(),
    ),
    Row(
        name="two-azs-active-active",
        what="two AZs, two managed clusters",
        settings={"network": {"availability_zones": list(ZONES[:2])}},
        strategy="active-active",
        fault="az-blackhole-of-two",
        own=(),
    ),
    Row(name="one-nat", what="one NAT gateway", settings={"network": {"nat_gateways": "one"}}),
    Row(name="no-nat", what="no NAT gateway", settings={"network": {"nat_gateways": "none"}}),
    Row(
        name="more-endpoints",
        what="interface endpoints beside NAT gateways",
        settings={"network": {"interface_endpoints": ["kms", "glue"]}, "permissions": {"read_databases": ["raw"]}},
    ),
    Row(name="mwaa-create", what="Airflow made here", settings={"mwaa": {"mode": "create"}}),
    Row(
        name="mwaa-create-no-nat",
        what="Airflow made here, no NAT gateway",
        settings={"mwaa": {"mode": "create"}, "network": {"nat_gateways": "none"}},
    ),
    Row(
        name="own-key",
        what="a KMS key of the owner",
        settings={
            "security": {"key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/01234567-89ab-cdef-0123-456789abcdef"},
        },
    ),
    Row(
        name="permissions-boundary",
        what="a boundary of the owner for every role",
        settings={"security": {"permissions_boundary": f"arn:aws:iam::{ACCOUNT}:policy/boundary"}},
    ),
    Row(name="fleets", what="instance fleets, a share of spot machines for tasks", settings={"cluster": _FLEETS}),
    Row(
        name="fleets-active-active",
        what="instance fleets, two managed clusters",
        settings={"cluster": _FLEETS},
        strategy="active-active",
    ),
    Row(name="tls", what="TLS to the front door", settings={"tls": _TLS}, own=("--tls",)),
    Row(
        name="tls-everywhere",
        what="TLS to the front door and on to the clusters",
        settings={"tls": _TLS_EVERYWHERE},
        own=("--tls", "--cluster-tls"),
    ),
)


def settings_of(row: Row) -> dict[str, Any]:
    """The whole content of the row's settings file."""
    return {"region": REGION, "alert_email": "ops@example.org", **row.settings}
