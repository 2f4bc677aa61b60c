"""Which AZ a launch goes to: what is used, has failed or was left lately, and who may return."""

from __future__ import annotations

import pytest

from dr_core.record import Incarnation, IncarnationState
from failover.custom_resource import respond

from .scenarios import failing, launched
from .test_custom_resource import event
from .world import World


def test_zones_of_other_managed_clusters_are_left_to_them(world: World) -> None:
    """A11: one zone's end must not take two of them."""
    for generation, state, zone in ((50, "serving", "us-east-1a"), (51, "retired", "us-east-1b")):
        other = Incarnation(
            generation=generation,
            managed_cluster="b",
            state=IncarnationState(state),
            availability_zone=zone,
        )
        world.put(other.to_item())
    request = world.request("launch", "op1")
    world.run_operation(request, until="Launch")
    world.step("operation", "Launch", request)
    assert world.operation("op1").tried == ("us-east-1b",)


@pytest.mark.parametrize(("reason", "zone"), [("evacuation", "us-east-1b"), ("upgrade", "us-east-1a")])
def test_a_person_who_asks_for_a_switchover_leaves_the_zone(world: World, reason: str, zone: str) -> None:
    """CloudFormation's stays in the preferred one."""
    request = launched(world).request("switchover", "op2", reason=reason)
    world.run_operation(request, until="Launch")
    world.step("operation", "Launch", request)
    assert world.incarnation(2).availability_zone == zone


def left(world: World, zone: str, by: str | None, *, seconds: float) -> None:
    """Another managed cluster left *zone* so many *seconds* ago."""
    other = Incarnation(
        generation=50,
        managed_cluster="b",
        state=IncarnationState.RETIRED,
        availability_zone=zone,
        serving_to=world.clock.now - seconds,
        left_by=by,
    )
    world.put(other.to_item())


@pytest.mark.parametrize(
    ("kind", "reason", "by", "seconds", "zone"),
    [
        ("failover", "unhealthy", "failover", 7100, "us-east-1c"),
        ("failover", "unhealthy", "failover", 7201, "us-east-1b"),
        ("failover", "unhealthy", "evacuation", 86_300, "us-east-1c"),
        ("failover", "unhealthy", None, 60, "us-east-1b"),  # replaced as planned, or by a version that did not say
        ("switchover", "manual", "evacuation", 60, "us-east-1c"),
    ],
)
def test_a_zone_that_was_left_lately_comes_last(
    world: World, kind: str, reason: str, by: str | None, seconds: float, zone: str
) -> None:
    """A12, B13: whatever made another managed cluster leave it may be there still."""
    launched(world)
    request = failing(world) if reason == "unhealthy" else world.request(kind, "op2", reason=reason)
    left(world, "us-east-1b", by, seconds=seconds)
    world.run_operation(request, until="Launch")
    world.step("operation", "Launch", request)
    assert world.incarnation(2).availability_zone == zone


def test_a_deploy_does_not_return_to_an_evacuated_zone(world: World) -> None:
    """B13: us-east-1a is the preferred one."""
    assert launched(world).run_operation(world.request("switchover", "op2", reason="evacuation")) == "CutOverDone"
    request = world.request("switchover", "op3", reason="upgrade")
    world.run_operation(request, until="Launch")
    world.step("operation", "Launch", request)
    assert world.incarnation(3).availability_zone == "us-east-1b"


def test_a_failback_ends_the_evacuation(world: World) -> None:
    """B13: a person says that the AZ is well again."""
    launched(world)
    for operation, reason in (("op2", "evacuation"), ("op3", "failback")):
        assert world.run_operation(world.request("switchover", operation, reason=reason)) == "CutOverDone"
    assert world.incarnation(3).availability_zone == "us-east-1a"
    request = world.request("switchover", "op4", reason="upgrade")
    world.run_operation(request, until="Launch")
    world.step("operation", "Launch", request)
    assert world.incarnation(4).availability_zone == "us-east-1a"


def test_the_only_zone_that_is_left_is_taken_though_it_was_evacuated(world: World) -> None:
    """A2: last, not never."""
    request = launched(world).request("switchover", "op2", reason="manual")
    left(world, "us-east-1b", "evacuation", seconds=60)
    world.broken_zones = {"us-east-1c"}
    assert world.run_operation(request) == "CutOverDone"
    serving = world.incarnation(world.managed_cluster().serving_generation or 0)
    assert serving.availability_zone == "us-east-1b"


def evacuated(world: World) -> World:
    """What serves as a has left us-east-1a, the preferred AZ, for us-east-1b."""
    assert launched(world).run_operation(world.request("switchover", "op2", reason="evacuation")) == "CutOverDone"
    assert world.incarnation(2).availability_zone == "us-east-1b"
    return world


def test_a_failback_that_cannot_get_home_leaves_everything_as_it_is(world: World) -> None:
    """B13: a third AZ is no better than the second, and a drain costs jobs."""
    evacuated(world).broken_zones = {"us-east-1a"}
    assert world.run_operation(world.request("switchover", "op3", reason="failback")) == "Failed"
    assert world.managed_cluster().serving_generation == 2
    assert (
        "no availability zone is left to return to: none that is preferred to us-east-1b, and that no other"
        in (world.notices[-1]["message"])
    )


def test_what_is_at_home_goes_nowhere(world: World) -> None:
    """B13: somebody asks twice."""
    assert launched(world).run_operation(world.request("switchover", "op2", reason="failback")) == "Failed"
    assert (world.managed_cluster().serving_generation, len(world.stacks)) == (1, 1)


def test_a_failback_joins_nobody(world: World) -> None:
    """A11: home is where the other half is by now."""
    evacuated(world)
    other = Incarnation(
        generation=50, managed_cluster="b", state=IncarnationState.SERVING, availability_zone="us-east-1a"
    )
    world.put(other.to_item())
    assert world.run_operation(world.request("switchover", "op3", reason="failback")) == "Failed"
    assert world.managed_cluster().serving_generation == 2


def test_a_failback_of_what_is_nowhere_in_the_settings_has_every_zone(world: World) -> None:
    """B13: the AZ that it is in was taken out of the settings."""
    launched(world)
    world.put({**world.incarnation(1).to_item(), "availability_zone": "us-east-1f"})
    assert world.run_operation(world.request("switchover", "op2", reason="failback")) == "CutOverDone"
    assert world.incarnation(2).availability_zone == "us-east-1a"


@pytest.mark.parametrize("until", ["Claim", "Launch"])
def test_a_change_that_supersedes_an_evacuation_leaves_the_zone_in_its_place(world: World, until: str) -> None:
    """B13: us-east-1a is the preferred one, and a person wants nothing there; it may not hold the lease yet."""
    launched(world)
    world.run_operation(world.request("switchover", "op2", reason="evacuation"), until=until)
    respond(world.deployment, event("Update", "r2", TemplateUrl="https://bucket/newer.json"))
    upgrade = world.request("switchover", "a-switchover-r2", reason="upgrade")
    assert world.run_operation(upgrade) == "CutOverDone"
    serving = world.incarnation(world.managed_cluster().serving_generation or 0)
    assert (serving.reason, serving.availability_zone) == ("upgrade", "us-east-1b")
    assert world.incarnation(1).left_by == "evacuation"


def test_an_evacuation_of_long_ago_holds_up_no_change(world: World) -> None:
    """B13: the change that superseded it failed, and nobody asked again."""
    launched(world)
    world.put({**world.incarnation(1).to_item(), "leave_asked_at": int(world.clock.now - 86_400)})
    request = world.request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Launch")
    world.step("operation", "Launch", request)
    assert world.incarnation(2).availability_zone == "us-east-1a"
