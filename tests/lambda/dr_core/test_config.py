from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dr_core.config import (
    ENVIRONMENT_VARIABLE,
    Canary,
    FunctionConfig,
    ManagedClusterResources,
    Policy,
    ProberFunction,
    ServicePorts,
    SlotResources,
    SubnetChoice,
)

CONFIG = FunctionConfig(
    deployment="emr-dr-active-passive",
    record_table="record",
    evidence_table="evidence",
    managed_clusters=(
        ManagedClusterResources(name="a", resource_manager_target_group="rm", name_node_target_group="nn"),
    ),
    subnets=(SubnetChoice(availability_zone="us-east-1a", subnet_id="subnet-1"),),
    slots=(SlotResources(number=1, target_group="slot", id_rule="by-id", header_rule="by-header"),),
    balanced_target_group="balanced",
    front_door_host="nlb.example.com",
    load_balancer_host="alb.example.com",
    probers=(ProberFunction(availability_zone="us-east-1a", function_name="prober-1"),),
    operation_state_machine="arn:operation",
    retirement_state_machine="arn:retirement",
    incarnation_role="arn:role",
    alert_topic="arn:topic",
    ports=ServicePorts(livy=18998),
    canary=Canary(file="hdfs:///canary.py", arguments=("1", "2")),
    policy=Policy(round_seconds=5),
)


def test_what_the_stacks_write_is_what_the_functions_read() -> None:
    assert FunctionConfig.from_json(json.dumps(CONFIG.to_dict())) == CONFIG


def test_texts_that_begin_with_a_mark_are_written_out() -> None:
    """A function's variables together may have 4 KB."""
    short = {
        **CONFIG.to_dict(),
        "operation_state_machine": "~s:operation",
        "retirement_state_machine": "~s:retirement",
        "subnets": [{"availability_zone": "~z", "subnet_id": "x~z"}],
        "balanced_target_group": "~g/balanced~g",
        "abbreviations": {"~s": "arn:states", "~g": "arn:group", "~z": "us-east-1a"},
    }

    config = FunctionConfig.from_json(json.dumps(short))

    assert (config.operation_state_machine, config.retirement_state_machine) == (
        "arn:states:operation",
        "arn:states:retirement",
    )
    assert config.subnets == (SubnetChoice(availability_zone="us-east-1a", subnet_id="x~z"),)
    assert config.balanced_target_group == "arn:group/balanced~g"
    assert config.policy == CONFIG.policy


def test_slots_may_be_rows_of_values() -> None:
    """As the stacks write them: with the name of each field seven slots would not fit into a function's variables."""
    text = json.dumps({**CONFIG.to_dict(), "slots": [[1, "slot", "by-id", "by-header"]]})
    assert FunctionConfig.from_json(text).slots == CONFIG.slots


def test_the_variable_has_a_name_of_its_own() -> None:
    assert ENVIRONMENT_VARIABLE == "EMR_DR_CONFIG"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"slots": [{"number": 1}]}, "target_group"),
        ({"canary": {"file": "x"}}, "arguments"),
        ({"subnets": None}, "NoneType"),
    ],
)
def test_a_configuration_that_is_none_says_what_is_wrong(change: dict[str, Any], named: str) -> None:
    text = json.dumps({**CONFIG.to_dict(), **change})

    with pytest.raises(ValueError, match=rf"EMR_DR_CONFIG is not a function configuration: .*{named}"):
        FunctionConfig.from_json(text)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", "7"])
def test_text_that_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="EMR_DR_CONFIG is not a function configuration: "):
        FunctionConfig.from_json(text)


@pytest.mark.parametrize(("bad_rounds", "rounds"), [(1, 1), (1, 4), (4, 4)])
def test_a_verdict_needs_one_to_all_of_its_rounds(bad_rounds: int, rounds: int) -> None:
    assert Policy(bad_rounds=bad_rounds, rounds=rounds).bad_rounds == bad_rounds


@pytest.mark.parametrize("bad_rounds", [0, 5])
def test_a_verdict_cannot_need_none_or_more_than_all(bad_rounds: int) -> None:
    """A14: a single failed check must not act, and no check must not either."""
    with pytest.raises(ValueError, match=rf"bad_rounds must be 1 to 4 \(rounds\), got {bad_rounds}"):
        Policy(bad_rounds=bad_rounds)


def test_the_numbers_of_the_rules() -> None:
    assert Policy() == Policy(
        round_seconds=10,
        rounds=4,
        bad_rounds=3,
        vantage_points=2,
        read_limit_seconds=3,
        launch_limit_seconds=1200,
        total_launch_limit_seconds=2700,
        fence_limit_seconds=300,
    )


def test_the_ports_of_emr() -> None:
    assert ServicePorts() == ServicePorts(scheme="http", livy=8998, resource_manager=8088, name_node=9870)


def test_what_may_be_left_out() -> None:
    least = FunctionConfig(
        deployment="d",
        record_table="r",
        evidence_table="e",
        managed_clusters=(),
        subnets=(),
        slots=(),
        balanced_target_group="b",
        front_door_host="n",
        load_balancer_host="l",
        canary=Canary(file="f"),
    )

    assert (least.front_door_scheme, least.front_door_port) == ("http", 8998)
    assert (least.probers, least.ports, least.policy) == ((), ServicePorts(), Policy())
    assert {
        least.operation_state_machine,
        least.retirement_state_machine,
        least.incarnation_role,
        least.alert_topic,
    } == {""}
    assert least.canary == Canary(file="f", class_name="", arguments=(), limit_seconds=300)


def test_lists_of_the_same_may_come_without_the_names_of_their_fields() -> None:
    """A function's variables have little room."""
    values = CONFIG.to_dict()
    for name in ("subnets", "slots", "probers"):
        values[name] = [list(each.values()) for each in values[name]]

    assert FunctionConfig.from_json(json.dumps(values)) == CONFIG
    values["slots"] = [[1, "group"]]
    with pytest.raises(ValueError, match="EMR_DR_CONFIG is not a function configuration: "):
        FunctionConfig.from_json(json.dumps(values))


def test_what_nobody_wants_is_not_written() -> None:
    """A function's variables have little room; what is left out is read back as what it was."""
    assert "standby" not in CONFIG.to_dict()["managed_clusters"][0]
    assert {"front_door_name", "cluster_domain"}.isdisjoint(CONFIG.to_dict())
    assert "bake_alarms" not in CONFIG.to_dict()["policy"]
    with_all = replace(
        CONFIG,
        front_door_name="door.example.com",
        cluster_domain="example.com",
        managed_clusters=(*CONFIG.managed_clusters, replace(CONFIG.managed_clusters[0], name="z", standby=True)),
        policy=replace(CONFIG.policy, bake_alarms=("etl",)),
    )
    written = with_all.to_dict()
    assert (written["front_door_name"], written["cluster_domain"]) == ("door.example.com", "example.com")
    assert written["managed_clusters"][-1]["standby"] is True
    assert list(written["policy"]["bake_alarms"]) == ["etl"]
    assert (with_all.wants_standby("z"), with_all.wants_standby(CONFIG.managed_clusters[0].name)) == (True, False)
    assert with_all.wants_standby("unknown") is False
