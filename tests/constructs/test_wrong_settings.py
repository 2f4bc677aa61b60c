"""Wrong settings, one table: each is refused at synth with key, value, what is allowed and what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from emr_dr.settings_errors import Problem, SettingsError
from emr_dr.settings_file import load_settings

from ..synthesis import REPOSITORY

KEY = "arn:aws:kms:us-east-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"
ROUTE_TABLE = "rtb-0123456789abcdef0"
A, B = "us-east-1a", "us-east-1b"
EMR_A, SERVICE_A = "subnet-0123456789abcdea0", "subnet-0123456789abcdea1"
EMR_B, SERVICE_B = "subnet-0123456789abcdeb0", "subnet-0123456789abcdeb1"

LEAVE_OUT, CORRECT, PUT = "or leave it out to get", "correct it", "put an allowed value there"


class Wrong(NamedTuple):
    """One row: settings that are wrong in one place, and what has to be said of it.

    Attributes:
        settings: content of the settings file.
        key: of the wrong setting.
        got: what stands there.
        allowed: words of what may stand there.
        remedy: words of what to do.
    """

    settings: dict[str, Any]
    key: str
    got: Any
    allowed: str
    remedy: str


def network(**values: Any) -> dict[str, Any]:
    """Settings of a network in us-east-1."""
    return {"region": "us-east-1", "network": values}


def zone(name: str, emr: str, service: str) -> dict[str, str]:
    return {"name": name, "emr_subnet": emr, "service_subnet": service}


def existing(*, beside: dict[str, Any] | None = None, **values: Any) -> dict[str, Any]:
    """Settings of a VPC that is there already, right but for *values*, and *beside* it."""
    vpc = {
        "vpc_id": "vpc-0123456789abcdef0",
        "endpoints": ["s3", "dynamodb"],
        "availability_zones": [zone(A, EMR_A, SERVICE_A), zone(B, EMR_B, SERVICE_B)],
        **values,
    }
    return network(**(beside or {}), existing=vpc)


def of(section: str, **values: Any) -> dict[str, Any]:
    return {section: values}


def ranged(section: str, key: str, value: Any, allowed: str) -> Wrong:
    """A number outside of its range."""
    return Wrong({section: {key: value}}, f"{section}.{key}", value, allowed, LEAVE_OUT)


ZONES = "network.availability_zones"
EXISTING = "network.existing"

TABLE: tuple[Wrong, ...] = (
    # The file as a whole.
    Wrong({"naem": "x"}, "naem", "x", "only these keys: alert_email, canary", "did you mean name?"),
    Wrong({"name": "Emr_DR"}, "name", "Emr_DR", "at most 20 characters", LEAVE_OUT),
    Wrong({"name": "a-name-that-is-far-too-long"}, "name", "a-name-that-is-far-too-long", "20 characters", LEAVE_OUT),
    Wrong({"region": "us-east"}, "region", "us-east", "null makes templates that deploy into any region", LEAVE_OUT),
    Wrong({"standby": "hot"}, "standby", "hot", "'none' or 'warm'", LEAVE_OUT),
    Wrong({"log_retention_days": 8}, "log_retention_days", 8, "1, 3, 5, 7, 14, 30", LEAVE_OUT),
    Wrong({"alert_email": "nobody"}, "alert_email", "nobody", "address that gets the alerts", LEAVE_OUT),
    Wrong({"network": 3}, "network", 3, "a valid dictionary", PUT),
    # The network that is made.
    Wrong(of("network", vpc_cidr="10.0.0.0/24"), "network.vpc_cidr", "10.0.0.0/24", "/16 to /20", LEAVE_OUT),
    Wrong(of("network", vpc_cidr="10.0.300.0/16"), "network.vpc_cidr", "10.0.300.0/16", "from 0 to 255", CORRECT),
    Wrong(of("network", vpc_cidr="10.20.0.1/16"), "network.vpc_cidr", "10.20.0.1/16", "has host bits set", CORRECT),
    Wrong(of("network", nat_gateways="two"), "network.nat_gateways", "two", "'per-az', 'one' or 'none'", LEAVE_OUT),
    Wrong(network(availability_zones=[A]), ZONES, [A], "at least 2 items", LEAVE_OUT),
    Wrong(
        network(availability_zones=[A, B, "us-east-1c", "us-east-1d"]),
        ZONES,
        [A, B, "us-east-1c", "us-east-1d"],
        "at most 3 items",
        LEAVE_OUT,
    ),
    Wrong(network(availability_zones=[A, A]), ZONES, [A], "2 or 3 different AZs", "name each AZ once"),
    Wrong(
        network(availability_zones=[A, "eu-west-1b"]),
        ZONES,
        ["eu-west-1b"],
        "AZs of the region us-east-1",
        "change region",
    ),
    Wrong(of("network", availability_zones=[A, B]), ZONES, [A, B], "null as long as region is null", "set region: us"),
    Wrong(network(availability_zones=["use1-az1", A, B]), f"{ZONES}.0", "use1-az1", "should match pattern", LEAVE_OUT),
    Wrong(
        of("network", interface_endpoints=["kmss"]),
        "network.interface_endpoints",
        ["kmss"],
        "airflow.api, airflow.env",
        "docs/network.md says who calls what",
    ),
    Wrong(
        of("network", interface_endpoints=["kms", "kms"]),
        "network.interface_endpoints",
        ["kms"],
        "each service once",
        "remove the repetition",
    ),
    Wrong(
        of("network", interface_endpoints=["execute-api"]),
        "network.interface_endpoints",
        "execute-api",
        "managed scaling of EMR does not reach its endpoint",
        "switch off its private DNS name",
    ),
    # A VPC that is there already.
    Wrong(existing(vpc_id="vpc-xyz"), f"{EXISTING}.vpc_id", "vpc-xyz", "id of the VPC", PUT),
    Wrong(
        existing(availability_zones=[zone(A, EMR_A, SERVICE_A)]),
        f"{EXISTING}.availability_zones",
        [zone(A, EMR_A, SERVICE_A)],
        "at least 2 items",
        PUT,
    ),
    Wrong(
        existing(availability_zones=[zone(A, EMR_A, SERVICE_A), zone(A, EMR_B, SERVICE_B)]),
        f"{EXISTING}.availability_zones",
        [A],
        "2 or 3 different AZs",
        "name each AZ once",
    ),
    Wrong(
        existing(availability_zones=[zone(A, EMR_A, SERVICE_A), zone("us-west-2b", EMR_B, SERVICE_B)]),
        f"{EXISTING}.availability_zones",
        ["us-west-2b"],
        "AZs of the region us-east-1",
        "change region",
    ),
    Wrong(
        existing(availability_zones=[zone(A, EMR_A, EMR_A), zone(B, EMR_B, SERVICE_B)]),
        f"{EXISTING}.availability_zones",
        [EMR_A],
        "each subnet once: clusters and services have subnets of their own",
        "name another subnet",
    ),
    Wrong(
        existing(availability_zones=[zone(A, EMR_A, SERVICE_A), zone(B, EMR_B, SERVICE_A)]),
        f"{EXISTING}.availability_zones",
        [SERVICE_A],
        "each subnet once",
        "name another subnet",
    ),
    Wrong(
        existing(availability_zones=[zone(A, "subnet-1", SERVICE_A), zone(B, EMR_B, SERVICE_B)]),
        f"{EXISTING}.availability_zones.0.emr_subnet",
        "subnet-1",
        "each with a subnet for clusters and one for services",
        PUT,
    ),
    Wrong(
        existing(availability_zones=[{"name": A, "emr_subnet": EMR_A}, zone(B, EMR_B, SERVICE_B)]),
        f"{EXISTING}.availability_zones.0.service_subnet",
        {"name": A, "emr_subnet": EMR_A},
        "field required",
        PUT,
    ),
    Wrong(
        existing(endpoints=["s3"]),
        f"{EXISTING}.route_tables",
        [],
        "gateway endpoints have to be made for dynamodb",
        "or add dynamodb to network.existing.endpoints",
    ),
    Wrong(
        existing(route_tables=[ROUTE_TABLE]),
        f"{EXISTING}.route_tables",
        [ROUTE_TABLE],
        "no gateway endpoint is made",
        "remove them",
    ),
    Wrong(
        existing(endpoints=[], route_tables=["rtb-1"]),
        f"{EXISTING}.route_tables.0",
        "rtb-1",
        "route tables of all the subnets",
        LEAVE_OUT,
    ),
    Wrong(
        existing(endpoints=[], route_tables=[ROUTE_TABLE, ROUTE_TABLE]),
        f"{EXISTING}.route_tables",
        [ROUTE_TABLE],
        "each one once",
        "remove the repetition",
    ),
    Wrong(
        existing(beside={"interface_endpoints": ["kms"]}),
        "network.interface_endpoints",
        ["kms"],
        "takes the service's name for the whole VPC",
        "see network.existing.endpoints",
    ),
    Wrong(
        existing(way_out=False),
        f"{EXISTING}.endpoints",
        ["s3", "dynamodb"],
        "way_out: false, kms among them; kms not yet",
        "make interface endpoints for them in the VPC, with private DNS names and a group that admits TCP 443",
    ),
    Wrong(
        {
            **existing(way_out=False, endpoints=["s3", "dynamodb", "kms"]),
            "permissions": {"read_databases": ["raw"]},
        },
        f"{EXISTING}.endpoints",
        ["s3", "dynamodb", "kms"],
        "glue, kms among them; glue not yet",
        "or give the subnets a way out",
    ),
    Wrong(
        {**existing(way_out=False, endpoints=["s3", "dynamodb", "kms"]), "mwaa": {"mode": "create"}},
        f"{EXISTING}.endpoints",
        ["s3", "dynamodb", "kms"],
        "airflow.api, airflow.env, airflow.ops, ecr.api, ecr.dkr, logs, monitoring, secretsmanager, sqs not yet",
        "then name them here",
    ),
    Wrong(
        existing(endpoints=["s3", "dynamodb", "execute-api"]),
        f"{EXISTING}.endpoints",
        "execute-api",
        "managed scaling of EMR does not reach its endpoint",
        "switch off its private DNS name",
    ),
    Wrong(
        existing(beside={"vpc_cidr": "10.1.0.0/16"}),
        "network.vpc_cidr",
        "10.1.0.0/16",
        "nothing beside network.existing",
        "see network.existing.vpc_id",
    ),
    Wrong(
        existing(beside={"nat_gateways": "one"}),
        "network.nat_gateways",
        "one",
        "nothing beside network.existing",
        "see network.existing.way_out",
    ),
    Wrong(
        existing(beside={"availability_zones": [A, B]}),
        ZONES,
        [A, B],
        "nothing beside network.existing",
        "see network.existing.availability_zones",
    ),
    Wrong(
        of("network", **existing()["network"]),
        f"{EXISTING}.availability_zones",
        [A, B],
        "null as long as region is null",
        "set region: us-east-1",
    ),
    # Clusters.
    Wrong(
        of("cluster", release_label="emr-6.15.0"),
        "cluster.release_label",
        "emr-6.15.0",
        "EMR release of the 7 series",
        LEAVE_OUT,
    ),
    Wrong(
        of("cluster", primary_instance_type="large"),
        "cluster.primary_instance_type",
        "large",
        "machine of the one primary node",
        LEAVE_OUT,
    ),
    ranged("cluster", "maximum_instances", "7", "a valid integer"),
    ranged("cluster", "maximum_instances", True, "a valid integer"),
    ranged("cluster", "maximum_instances", 1001, "less than or equal to 1000"),
    ranged("cluster", "minimum_instances", 0, "greater than or equal to 1"),
    Wrong(
        of("cluster", minimum_instances=5, maximum_instances=4),
        "cluster.minimum_instances",
        5,
        "at most cluster.maximum_instances (4)",
        "or raise cluster.maximum_instances",
    ),
    Wrong(
        of("cluster", maximum_instances=10, maximum_instances_alone=9),
        "cluster.maximum_instances_alone",
        9,
        "at least cluster.maximum_instances (10)",
        "or lower cluster.maximum_instances",
    ),
    Wrong(of("cluster", maximum_instance=3), "cluster.maximum_instance", 3, "only these keys", "maximum_instances?"),
    Wrong(
        of("cluster", availability_zone_preference=[A]),
        "cluster.availability_zone_preference",
        [A],
        "null as long as network.availability_zones is null",
        "name region and network.availability_zones too",
    ),
    Wrong(
        {**network(availability_zones=[A, B]), "cluster": {"availability_zone_preference": ["us-east-1d"]}},
        "cluster.availability_zone_preference",
        ["us-east-1d"],
        "AZs of the network: us-east-1a, us-east-1b",
        "name one of these",
    ),
    Wrong(
        {**existing(), "cluster": {"availability_zone_preference": [B, B]}},
        "cluster.availability_zone_preference",
        [B, B],
        "each AZ once",
        "remove the repetition",
    ),
    Wrong(of("cluster", tags={"aws:x": "y"}), "cluster.tags.aws:x", "aws:x", "that begin with none of", "another name"),
    Wrong(of("cluster", tags={"team": ""}), "cluster.tags.team", "", "at least 1 character", LEAVE_OUT),
    ranged("canary", "limit_seconds", 0, "greater than or equal to 1"),
    Wrong(
        of("cluster", spark_defaults={"spark.master": "local[*]"}),
        "cluster.spark_defaults.spark.master",
        "local[*]",
        "every property of Spark but spark.master",
        "leave it out",
    ),
    Wrong(
        of("cluster", spark_defaults={"spark.submit.deployMode": "client"}),
        "cluster.spark_defaults.spark.submit.deployMode",
        "client",
        "one beside Livy ends with Livy's next restart",
        "leave it out",
    ),
    # Times and rules.
    Wrong(
        of("monitor", rounds=3, bad_rounds=4),
        "monitor.bad_rounds",
        4,
        "at most monitor.rounds (3)",
        "or raise monitor.rounds",
    ),
    ranged("monitor", "round_seconds", 7, "5, 10, 15, 20 or 30"),
    Wrong(
        of("monitor", round_seconds=5, read_limit_seconds=5),
        "monitor.read_limit_seconds",
        5,
        "less than monitor.round_seconds (5)",
        "or lengthen the round",
    ),
    ranged("monitor", "vantage_points", 1, "greater than or equal to 2"),
    Wrong(
        {**network(availability_zones=[A, B]), "monitor": {"vantage_points": 3}},
        "monitor.vantage_points",
        3,
        "at most 2, the number of AZs",
        "or use more AZs",
    ),
    Wrong(
        {"standby": "warm", "monitor": {"launches_per_day": 1}},
        "monitor.launches_per_day",
        1,
        "2 at least with standby: warm",
        "or set standby: none",
    ),
    Wrong(
        of("controller", launch_limit_seconds=900, total_launch_limit_seconds=600),
        "controller.launch_limit_seconds",
        900,
        "at most controller.total_launch_limit_seconds (600)",
        "lower it",
    ),
    ranged("controller", "total_launch_limit_seconds", 3600, "less than or equal to 2700"),
    ranged("controller", "drain_limit_seconds", 59, "greater than or equal to 60"),
    ranged("controller", "share_availability_zone", "yes", "a valid boolean"),
    # Who may reach what.
    ranged("front_door", "livy_port", 80, "greater than or equal to 1024"),
    Wrong(
        of("front_door", resource_manager_port=8998),
        "front_door.resource_manager_port",
        8998,
        "a port of its own (front_door.livy_port has this one)",
        "choose another port",
    ),
    Wrong(
        of("front_door", livy_clients=["everybody"]),
        "front_door.livy_clients.0",
        "everybody",
        "CIDR blocks and security group ids",
        LEAVE_OUT,
    ),
    Wrong(
        of("front_door", livy_clients=["0.0.0.0/0"]),
        "front_door.livy_clients",
        "0.0.0.0/0",
        "ranges of /8 or narrower",
        "name the security groups",
    ),
    Wrong(
        of("front_door", livy_clients=["3.0.0.0/8"]),
        "front_door.livy_clients",
        "3.0.0.0/8",
        "private ranges, within 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10",
        "or their security groups",
    ),
    Wrong(
        of("front_door", web_interface_clients=["172.0.0.0/8"]),
        "front_door.web_interface_clients",
        "172.0.0.0/8",
        "private ranges",
        "name the range that clients have in the VPC",
    ),
    Wrong(
        of("front_door", web_interface_clients=["10.0.0.300/8"]),
        "front_door.web_interface_clients",
        "10.0.0.300/8",
        "four numbers from 0 to 255",
        CORRECT,
    ),
    Wrong(of("permissions", read=["lake/raw"]), "permissions.read.0", "lake/raw", "s3://bucket/prefix", LEAVE_OUT),
    Wrong(of("permissions", write=["s3://lake/*"]), "permissions.write.0", "s3://lake/*", "prefixes", LEAVE_OUT),
    Wrong(of("permissions", keys=["alias/ours"]), "permissions.keys.0", "alias/ours", "ARNs of the KMS", LEAVE_OUT),
    Wrong(
        of("security", permissions_boundary="arn:aws:iam::111122223333:role/boundary"),
        "security.permissions_boundary",
        "arn:aws:iam::111122223333:role/boundary",
        "ARN of the managed policy",
        LEAVE_OUT,
    ),
    Wrong(of("security", key="alias/ours"), "security.key", "alias/ours", "ARN of the KMS key", LEAVE_OUT),
    Wrong(of("security", key=KEY), "security.key", KEY, "null as long as region is null", "set region: us-east-1"),
    Wrong(
        {"region": "eu-west-1", "security": {"key": KEY}},
        "security.key",
        KEY,
        "a key of the region eu-west-1",
        "or name a key of the other one",
    ),
    # Airflow.
    Wrong(of("mwaa", mode="maybe"), "mwaa.mode", "maybe", "'create', 'existing' or 'none'", LEAVE_OUT),
    Wrong(
        of("mwaa", mode="existing", environment_name="ours"),
        "mwaa.execution_role_arn",
        None,
        "the ARN of the execution role",
        "aws mwaa get-environment",
    ),
    Wrong(
        of("mwaa", mode="create", minimum_workers=6, maximum_workers=5),
        "mwaa.minimum_workers",
        6,
        "at most mwaa.maximum_workers (5)",
        "or raise mwaa.maximum_workers",
    ),
    Wrong(
        of("mwaa", mode="create", airflow_version="1.10.12"),
        "mwaa.airflow_version",
        "1.10.12",
        "2.11.x",
        "upgraded to 2.11 first",
    ),
    Wrong(
        of("mwaa", mode="create", environment_class="mw1.micro", maximum_workers=1),
        "mwaa.schedulers",
        2,
        "1 for mw1.micro",
        "or mwaa.environment_class",
    ),
    Wrong(
        of("mwaa", mode="create", environment_class="mw1.micro", schedulers=1),
        "mwaa.maximum_workers",
        5,
        "1 for mw1.micro",
        "or choose another mwaa.environment_class",
    ),
    Wrong(
        of("mwaa", mode="create", environment_name="ours"),
        "mwaa.environment_name",
        "ours",
        "only with mwaa.mode: existing",
        "or set mwaa.mode: existing",
    ),
    Wrong(
        of("mwaa", mode="create", web_server_clients=["0.0.0.0/0"]),
        "mwaa.web_server_clients",
        "0.0.0.0/0",
        "ranges of /8 or narrower",
        "name the security groups",
    ),
)


def name_of(row: Wrong) -> str:
    return f"{row.key}={row.got if isinstance(row.got, str | int) else '...'}"


def refused(settings: dict[str, Any], folder: Path) -> tuple[Problem, ...]:
    """What synth says of a settings file."""
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump(settings))
    with pytest.raises(SettingsError) as caught:
        load_settings({"settings": str(file)})
    return caught.value.problems


@pytest.mark.parametrize("row", TABLE, ids=name_of)
def test_a_wrong_setting_is_refused_with_key_value_what_is_allowed_and_what_to_do(row: Wrong, tmp_path: Path) -> None:
    problem = next(iter(refused(row.settings, tmp_path)))

    assert problem.key == row.key
    assert (list(problem.got) if isinstance(problem.got, tuple) else problem.got) == row.got
    assert row.allowed in problem.allowed
    assert row.remedy in problem.remedy


def test_the_table_has_rows_of_every_section() -> None:
    assert len(TABLE) >= 40
    sections = {"cluster", "canary", "monitor", "controller", "front_door", "permissions", "security", "mwaa"}
    assert {row.key.partition(".")[0] for row in TABLE} >= {*sections, "network"}


def test_a_file_that_is_right_is_taken(tmp_path: Path) -> None:
    """Else the table would show nothing: each row differs from this in one place."""
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump(existing()))

    assert load_settings({"settings": str(file)}).network.zones == (A, B)


def test_synth_itself_ends_with_the_four_parts(tmp_path: Path) -> None:
    """The app is what a person runs; the table asks the part of it that reads settings."""
    row = next(each for each in TABLE if each.key == "network.vpc_cidr")
    context = {"set.network.vpc_cidr": row.got}
    ended = subprocess.run(
        [sys.executable, "app.py"],
        cwd=REPOSITORY,
        env={**os.environ, "CDK_OUTDIR": str(tmp_path), "CDK_CONTEXT_JSON": json.dumps(context)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert f"{row.key}: got {row.got!r}\n    allowed: " in ended.stderr
    assert row.allowed in ended.stderr and row.remedy in ended.stderr
