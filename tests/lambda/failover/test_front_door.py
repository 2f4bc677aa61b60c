"""The front door: what is registered where, in which order, and which rules change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from dr_core.routing import (
    header_conditions,
    id_conditions,
    unseeded_id_conditions,
    unused_header_conditions,
    unused_id_conditions,
)
from failover.front_door import FrontDoor

from .parts import CONFIG
from .world import World


class Calls:
    """A client that remembers what it was asked."""

    def __init__(self) -> None:
        self.made: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        def call(**request: Any) -> None:
            self.made.append((name, request))

        return call


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def front_door(calls: Calls) -> FrontDoor:
    return FrontDoor(client=cast("Any", calls), config=CONFIG)


def targets(name: str, group: str, port: int) -> tuple[str, dict[str, Any]]:
    return name, {"TargetGroupArn": group, "Targets": [{"Id": "10.0.0.5", "Port": port}]}


def test_the_balanced_group_comes_last_into_service(front_door: FrontDoor, calls: Calls) -> None:
    """A10: whoever gets new jobs is registered everywhere else already; each service with its port."""
    front_door.put_in_service(managed_cluster="a", address="10.0.0.5")
    assert calls.made == [
        targets("register_targets", "rm-a", CONFIG.ports.resource_manager),
        targets("register_targets", "nn-a", CONFIG.ports.name_node),
        targets("register_targets", "balanced", CONFIG.ports.livy),
    ]


def test_all_groups_of_service_are_left(front_door: FrontDoor, calls: Calls) -> None:
    """A12: the old address is out of every group."""
    front_door.take_out_of_service(managed_cluster="a", address="10.0.0.5")
    assert {(name, request["TargetGroupArn"]) for name, request in calls.made} == {
        ("deregister_targets", group) for group in ("rm-a", "nn-a", "balanced")
    }


def test_the_balanced_group_alone_is_left_and_joined(front_door: FrontDoor, calls: Calls) -> None:
    """Ids and web interfaces of an isolated incarnation stay routed."""
    front_door.leave_balanced_group("10.0.0.5")
    front_door.join_balanced_group("10.0.0.5")
    assert calls.made == [
        targets("deregister_targets", "balanced", CONFIG.ports.livy),
        targets("register_targets", "balanced", CONFIG.ports.livy),
    ]


@pytest.mark.parametrize(("unseeded", "conditions"), [(False, id_conditions(1007)), (True, unseeded_id_conditions())])
def test_a_slot_has_its_target_before_its_rules(
    front_door: FrontDoor, calls: Calls, unseeded: bool, conditions: list[dict[str, Any]]
) -> None:
    """A13: a rule whose group is empty would answer 503."""
    front_door.open_slot(2, address="10.0.0.5", prefix=1007, unseeded=unseeded)
    assert calls.made == [
        targets("register_targets", "slot-2", CONFIG.ports.livy),
        ("modify_rule", {"RuleArn": "id-2", "Conditions": conditions}),
        ("modify_rule", {"RuleArn": "header-2", "Conditions": header_conditions(1007)}),
    ]


def test_a_slot_is_closed_before_its_target_leaves(front_door: FrontDoor, calls: Calls) -> None:
    """A13: its ids answer 410, not 503."""
    front_door.close_slot(2, address="10.0.0.5")
    assert calls.made == [
        ("modify_rule", {"RuleArn": "id-2", "Conditions": unused_id_conditions(2)}),
        ("modify_rule", {"RuleArn": "header-2", "Conditions": unused_header_conditions(2)}),
        targets("deregister_targets", "slot-2", CONFIG.ports.livy),
    ]


def test_a_slot_without_a_known_target_is_closed_too(front_door: FrontDoor, calls: Calls) -> None:
    """A launch that was interrupted may not have noted its address down."""
    front_door.close_slot(2, address=None)
    assert [name for name, _ in calls.made] == ["modify_rule", "modify_rule"]


def test_health_is_by_address(world: World) -> None:
    """Whoever is not in it is not registered."""
    world.targets["balanced"] = {"10.0.1.1": 0.0, "10.0.1.2": world.clock.now, "10.0.1.3": 0.0}
    world.unhealthy = {"10.0.1.3"}
    assert world.deployment.front_door.health("balanced") == {
        "10.0.1.1": "healthy",
        "10.0.1.2": "initial",
        "10.0.1.3": "unhealthy",
    }


@pytest.mark.parametrize(
    ("health", "state"),
    [
        ({"State": "unhealthy", "Reason": "Elb.InternalError"}, "not known"),
        ({"State": "unhealthy", "Reason": "Target.ResponseCodeMismatch"}, "unhealthy"),
        ({"State": "initial", "Reason": "Elb.InitialHealthChecking"}, "initial"),
    ],
)
def test_an_error_of_the_load_balancer_is_not_the_targets(health: dict[str, str], state: str) -> None:
    """A11: not knowing is not unhealthy, and not healthy."""

    class Client:
        def describe_target_health(self, **_: Any) -> dict[str, Any]:
            return {"TargetHealthDescriptions": [{"Target": {"Id": "x"}, "TargetHealth": health}]}

    assert FrontDoor(client=cast("Any", Client()), config=CONFIG).health("balanced") == {"x": state}


def test_a_target_without_a_verdict_is_not_healthy() -> None:
    """Elastic Load Balancing leaves out what it does not know."""

    class Client:
        def describe_target_health(self, **_: Any) -> dict[str, Any]:
            return {"TargetHealthDescriptions": [{"Target": {"Id": "x"}, "TargetHealth": {}}, {"TargetHealth": {}}]}

    assert FrontDoor(client=cast("Any", Client()), config=CONFIG).health("balanced") == {"x": ""}


def test_conditions_of_many_rules_are_read_in_several_calls() -> None:
    """The service takes some at once."""
    asked: list[list[str]] = []

    class Rules:
        def describe_rules(self, *, RuleArns: list[str]) -> dict[str, Any]:
            asked.append(RuleArns)
            return {"Rules": [{"RuleArn": arn, "Conditions": [{"Field": arn}]} for arn in RuleArns]}

    names = [f"rule-{number}" for number in range(45)]
    found = FrontDoor(client=cast("Any", Rules()), config=CONFIG).conditions(names)
    assert [len(each) for each in asked] == [20, 20, 5]
    assert found == {name: [{"Field": name}] for name in names}


def test_single_targets_and_rules_are_changed(front_door: FrontDoor, calls: Calls) -> None:
    """What the reconciliation does."""
    front_door.register("rm-a", address="10.0.0.5", port=8088)
    front_door.deregister("slot-2", address="10.0.1.2", port=8998)
    front_door.set_conditions("id-1", unused_id_conditions(1))
    assert calls.made == [
        targets("register_targets", "rm-a", 8088),
        ("deregister_targets", {"TargetGroupArn": "slot-2", "Targets": [{"Id": "10.0.1.2", "Port": 8998}]}),
        ("modify_rule", {"RuleArn": "id-1", "Conditions": unused_id_conditions(1)}),
    ]
