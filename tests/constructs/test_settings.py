"""What settings are accepted, and what is said about the others."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from dr_core.config import Canary, Policy, ServicePorts
from dr_core.scaling import Scaling
from emr_dr.settings import Settings

from .refusals import refused


def test_every_key_has_a_default() -> None:
    assert Settings.parse({}) == Settings()


def test_a_section_without_keys_has_its_defaults() -> None:
    """A file whose section has only comments reads as null there."""
    assert Settings.parse({"network": None}) == Settings()


def test_the_functions_get_the_policy_of_the_settings() -> None:
    settings = Settings.parse({"monitor": {"rounds": 6, "bad_rounds": 5}, "controller": {"fence_limit_seconds": 60}})

    assert settings.policy == Policy(rounds=6, bad_rounds=5, fence_limit_seconds=60)


def test_the_functions_get_every_rule_of_the_settings() -> None:
    """A rule that no setting gave would be the core's for ever."""
    other: dict[str, dict[str, Any]] = {
        "monitor": {
            "round_seconds": 20,
            "rounds": 6,
            "bad_rounds": 5,
            "vantage_points": 3,
            "read_limit_seconds": 4,
            "failovers_before_block": 3,
            "block_window_seconds": 3600,
            "launches_per_day": 4,
        },
        "controller": {
            "launch_limit_seconds": 1000,
            "total_launch_limit_seconds": 2000,
            "fence_limit_seconds": 100,
            "repair_limit_seconds": 120,
            "drain_limit_seconds": 3600,
            "linger_seconds": 600,
            "orphan_seconds": 1800,
            "bake_seconds": 120,
            "bake_alarms": ("etl-failed",),
            "share_availability_zone": False,
        },
    }

    policy = Settings.parse(other).policy

    assert policy == Policy(**other["monitor"], **other["controller"])
    assert [field.name for field in fields(Policy) if getattr(policy, field.name) == field.default] == []


def test_default_policy_is_that_of_the_core() -> None:
    assert Settings().policy == Policy()


def test_the_functions_get_the_ports_of_the_settings() -> None:
    """A10: ports can be changed."""
    settings = Settings.parse({"front_door": {"livy_port": 9998, "name_node_port": 50070}})

    assert settings.ports == ServicePorts(livy=9998, name_node=50070)


def test_the_functions_get_the_canary_of_the_settings() -> None:
    settings = Settings.parse({"canary": {"file": "s3://lake/pi.jar", "class_name": "Pi", "arguments": ["10"]}})

    assert settings.canary_job == Canary(file="s3://lake/pi.jar", class_name="Pi", arguments=("10",))


@pytest.mark.parametrize(
    ("values", "key", "got"),
    [
        ({"cluster": {"release_label": "emr-6.15.0"}}, "cluster.release_label", "'emr-6.15.0'"),
        ({"cluster": {"maximum_instances": "7"}}, "cluster.maximum_instances", "'7'"),
        ({"cluster": {"maximum_instances": True}}, "cluster.maximum_instances", "True"),
        ({"cluster": {"primary_instance_type": "large"}}, "cluster.primary_instance_type", "'large'"),
        ({"network": {"vpc_cidr": "10.0.0.0/24"}}, "network.vpc_cidr", "'10.0.0.0/24'"),
        ({"network": {"vpc_cidr": "10.0.300.0/16"}}, "network.vpc_cidr", "'10.0.300.0/16'"),
        ({"network": {"nat_gateways": "two"}}, "network.nat_gateways", "'two'"),
        ({"network": 3}, "network", "3"),
        ({"log_retention_days": 8}, "log_retention_days", "8"),
        ({"alert_email": "nobody"}, "alert_email", "'nobody'"),
        ({"name": "Emr_DR"}, "name", "'Emr_DR'"),
        ({"name": "a-name-that-is-far-too-long"}, "name", "'a-name-that-is-far-too-long'"),
        ({"front_door": {"livy_clients": ["everybody"]}}, "front_door.livy_clients.0", "'everybody'"),
        ({"permissions": {"read": ["lake/raw"]}}, "permissions.read.0", "'lake/raw'"),
    ],
)
def test_a_wrong_value_is_named_with_its_key_what_is_allowed_and_a_remedy(
    values: dict[str, Any], key: str, got: str
) -> None:
    message = refused(values)

    assert f"{key}: got {got}\n" in message
    assert "allowed: " in message
    assert "remedy: " in message


def test_an_unknown_key_is_refused_with_the_one_that_was_meant() -> None:
    assert "did you mean maximum_instances?" in refused({"cluster": {"maximum_instance": 3}})


def test_an_unknown_section_is_refused_with_those_that_exist() -> None:
    assert "only these keys: alert_email, canary, cluster" in refused({"clusters": {}})


def test_every_wrong_value_is_listed_at_once() -> None:
    message = refused({"name": "X", "log_retention_days": 2, "cluster": {"minimum_instances": 0}})

    assert "3 wrong settings" in message


def test_an_availability_zone_of_another_region_is_refused() -> None:
    zones = ["us-east-1a", "us-east-1b", "eu-west-1c"]

    message = refused({"region": "us-east-1", "network": {"availability_zones": zones}})

    assert "network.availability_zones: got ['eu-west-1c']" in message
    assert "AZs of the region us-east-1" in message


def test_availability_zones_need_a_region() -> None:
    message = refused({"network": {"availability_zones": ["eu-west-1a", "eu-west-1b", "eu-west-1c"]}})

    assert "remedy: set region: eu-west-1" in message


def test_an_availability_zone_may_be_named_once() -> None:
    zones = ["us-east-1a", "us-east-1b", "us-east-1b"]

    assert "2 or 3 different AZs" in refused({"region": "us-east-1", "network": {"availability_zones": zones}})


def test_two_availability_zones_are_enough() -> None:
    """A2, A12: a cluster that is lost with its AZ is replaced in the other one."""
    zones = ["us-east-1a", "us-east-1b"]

    settings = Settings.parse({"region": "us-east-1", "network": {"availability_zones": zones}})

    assert settings.network.zones == tuple(zones)


@pytest.mark.parametrize("alone", [None, 10, 20])
def test_limits_are_as_the_functions_know_them(alone: int | None) -> None:
    """A3."""
    settings = Settings.parse({"cluster": {"maximum_instances_alone": alone}})
    assert settings.scaling == Scaling(minimum_instances=2, maximum_instances=10, maximum_instances_alone=alone)


def test_the_services_have_ports_of_their_own() -> None:
    assert "front_door.resource_manager_port: got 8998" in refused({"front_door": {"resource_manager_port": 8998}})


@pytest.mark.parametrize(
    ("region", "words"),
    [
        (None, "allowed: null as long as region is null. Set region: us-east-1"),
        ("eu-west-1", "allowed: a key of the region eu-west-1. Set region: us-east-1, or name a key of the other one"),
    ],
)
def test_a_key_of_the_owner_is_of_the_region(region: str | None, words: str) -> None:
    """A key opens nothing outside of its region."""
    key = "arn:aws:kms:us-east-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"

    said = refused({"region": region, "security": {"key": key}})

    assert "security.key" in said and key in said
    assert words.partition("Set")[0].removeprefix("allowed: ").removesuffix(". ") in said
    assert "set region: us-east-1" in said


@pytest.mark.parametrize(
    "values",
    [
        {"security": {"permissions_boundary": "boundary"}},
        {"security": {"permissions_boundary": "arn:aws:iam::111122223333:role/boundary"}},
        {"security": {"key": "alias/ours"}},
        {"permissions": {"read_databases": ["Raw"]}},
        {"permissions": {"write_databases": ["*"]}},
    ],
)
def test_what_is_no_policy_key_or_database_is_refused(values: dict[str, Any]) -> None:
    (section, keys), *_ = values.items()

    assert f"{section}.{next(iter(keys))}" in refused(values)
