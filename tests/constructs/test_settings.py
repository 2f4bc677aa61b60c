"""What settings are accepted, and what is said about the others."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from dr_core.config import Canary, Policy, ServicePorts
from dr_core.scaling import Scaling
from emr_dr.settings import Settings
from emr_dr.settings_errors import SettingsError


def refused(values: dict[str, Any]) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.parse(values)
    return str(caught.value)


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


@pytest.mark.parametrize(
    ("section", "key", "least", "most"),
    [
        ("monitor", "failovers_before_block", 1, 10),
        ("monitor", "block_window_seconds", 600, 86_400),
        ("monitor", "launches_per_day", 1, 100),
        ("controller", "repair_limit_seconds", 60, 900),
        ("controller", "drain_limit_seconds", 60, 604_800),
        ("controller", "linger_seconds", 60, 3600),
        ("controller", "orphan_seconds", 300, 86_400),
        ("controller", "bake_seconds", 0, 600),
    ],
)
def test_a_limit_of_automatic_operations_has_its_range(section: str, key: str, least: int, most: int) -> None:
    for value in (least, most):
        assert getattr(Settings.parse({section: {key: value}}).policy, key) == value
    for value in (least - 1, most + 1):
        assert f"{section}.{key}: got {value}\n" in refused({section: {key: value}})


@pytest.mark.parametrize(
    "name",
    [
        "",
        " padded",
        "all-*",
        "what?",
        "${aws:username}",
        "arn:aws:cloudwatch:us-east-1:111122223333:alarm:x",
        "n" * 129,
    ],
)
def test_an_alarm_that_cannot_be_one_is_refused(name: str) -> None:
    """B13: and none may widen the policy that names it."""
    assert "controller.bake_alarms" in refused({"controller": {"bake_alarms": [name]}})


def test_an_alarm_is_named_once_and_only_where_a_change_is_proved() -> None:
    settings = Settings.parse({"controller": {"bake_alarms": ["etl jobs: failed (all)", "n" * 128]}})

    assert settings.policy.bake_alarms == ("etl jobs: failed (all)", "n" * 128)
    assert "each alarm once" in refused({"controller": {"bake_alarms": ["x", "x"]}})
    assert "asks for no proof" in refused({"controller": {"bake_alarms": ["x"], "bake_seconds": 0}})


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


def test_a_preference_outside_the_networks_zones_is_refused() -> None:
    zones = ["us-east-1a", "us-east-1b", "us-east-1c"]

    message = refused(
        {
            "region": "us-east-1",
            "network": {"availability_zones": zones},
            "cluster": {"availability_zone_preference": ["us-east-1d"]},
        }
    )

    assert "cluster.availability_zone_preference: got ['us-east-1d']" in message
    assert "us-east-1a, us-east-1b, us-east-1c" in message


def test_a_preference_needs_named_zones() -> None:
    message = refused({"cluster": {"availability_zone_preference": ["us-east-1a"]}})

    assert "remedy: name region and network.availability_zones too" in message


def test_a_preference_names_each_zone_once() -> None:
    zones = ["us-east-1a", "us-east-1b", "us-east-1c"]

    message = refused(
        {
            "region": "us-east-1",
            "network": {"availability_zones": zones},
            "cluster": {"availability_zone_preference": ["us-east-1b", "us-east-1b"]},
        }
    )

    assert "each AZ once" in message


def test_the_least_number_of_nodes_is_not_above_the_most() -> None:
    assert "cluster.minimum_instances: got 5" in refused({"cluster": {"minimum_instances": 5, "maximum_instances": 4}})


def test_whoever_serves_alone_has_no_less_room() -> None:
    settings = {"maximum_instances": 10, "maximum_instances_alone": 9}
    assert "cluster.maximum_instances_alone: got 9" in refused({"cluster": settings})


@pytest.mark.parametrize("alone", [None, 10, 20])
def test_limits_are_as_the_functions_know_them(alone: int | None) -> None:
    """A3."""
    settings = Settings.parse({"cluster": {"maximum_instances_alone": alone}})
    assert settings.scaling == Scaling(minimum_instances=2, maximum_instances=10, maximum_instances_alone=alone)


@pytest.mark.parametrize("tags", [{"a": ""}, {"a": "x" * 257}, {f"k{number}": "x" for number in range(41)}])
def test_tags_that_a_stack_cannot_have_are_refused(tags: dict[str, str]) -> None:
    """A launch would fail of them."""
    assert "cluster.tags" in refused({"cluster": {"tags": tags}})


@pytest.mark.parametrize("tag", ["aws:x", "emr-dr:generation", "for-use-with-amazon-emr-managed-policies", "a|b"])
def test_a_tag_that_belongs_to_others_is_refused(tag: str) -> None:
    assert f"cluster.tags.{tag}" in refused({"cluster": {"tags": {tag: "x"}}})


def test_no_more_bad_rounds_than_rounds() -> None:
    """A11: a check is repeated before anything acts on it."""
    assert "monitor.bad_rounds: got 4" in refused({"monitor": {"rounds": 3, "bad_rounds": 4}})


def test_a_reading_ends_before_its_round() -> None:
    assert "monitor.read_limit_seconds: got 5" in refused({"monitor": {"round_seconds": 5, "read_limit_seconds": 5}})


def test_one_launch_is_not_longer_than_all_launches() -> None:
    message = refused({"controller": {"launch_limit_seconds": 900, "total_launch_limit_seconds": 600}})

    assert "controller.launch_limit_seconds: got 900" in message


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
