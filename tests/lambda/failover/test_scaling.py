"""Limits and tags of what serves, minute for minute."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from dr_core.controls import Controls
from dr_core.record import IncarnationState, ManagedCluster
from dr_core.scaling import SETTLE_SECONDS
from failover import scaling as module
from failover.reality import read_record
from failover.reconcile import reconcile
from failover.scaling import room_of_others, see_to_scaling
from failover.told import TELL_AGAIN_SECONDS

from .fakes import compute_limits
from .parts import CONFIG, LostAnswerError
from .scaled import SPEC, limits, scaled, tags, with_other_half
from .scenarios import failing
from .world import World


@pytest.fixture
def serving(world: World) -> World:
    """Generation 1 serves as the spec says."""
    return scaled(world)


@pytest.fixture
def halves(serving: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Generation 90 serves beside it, as managed cluster ``b``."""
    with_other_half(serving)
    other = replace(CONFIG.managed_clusters[0], name="b")
    config = replace(CONFIG, managed_clusters=(*CONFIG.managed_clusters, other))
    serving.deployment = replace(serving.deployment, config=config)
    return serving


def see(world: World, *, paused: bool = False) -> list[str]:
    return see_to_scaling(world.deployment, read_record(world.deployment), paused=paused)


def isolate(world: World) -> None:
    world.put({**world.incarnation(90).to_item(), "isolated_at": world.clock.now})


def give_back(world: World) -> None:
    item = world.incarnation(90).to_item()
    del item["isolated_at"]
    world.put(item)


def test_a_launch_has_limits_and_tags_of_the_spec(serving: World) -> None:
    """A3, B7: they are no part of the template, and every later launch has them."""
    assert limits(serving) == (2, 10)
    assert tags(serving) == {"cost-center": "analytics"}
    assert (serving.incarnation(1).limits, serving.incarnation(1).tags) == (
        {"minimum": 2, "maximum": 10},
        {"cost-center": "analytics"},
    )


def test_nothing_is_changed_where_all_is_in_line(serving: World) -> None:
    calls = serving.calls
    assert see(serving) == []
    assert (serving.calls, serving.notices) == (calls, [])


def test_tags_of_a_stack_that_did_not_reach_the_cluster_are_added(world: World) -> None:
    """Whether they do is not documented."""
    world.tags_kept_back = {"cost-center"}
    scaled(world)
    assert tags(world) == {}
    see(world)
    assert tags(world) == {"cost-center": "analytics"}
    assert world.notices == []


def test_tags_of_others_are_left_alone(serving: World) -> None:
    """None touched that is not ours."""
    serving.cluster(1).tags["owner"] = "somebody"
    see(serving)
    assert tags(serving) == {"cost-center": "analytics", "owner": "somebody"}


def test_whoever_serves_alone_may_grow(halves: World) -> None:
    """A9: the other half's jobs come to it too."""
    isolate(halves)
    see(halves)
    assert halves.cluster(1).limits == compute_limits(2, 20)
    assert halves.notices == []


def test_the_one_that_is_isolated_may_not(halves: World) -> None:
    halves.put(ManagedCluster(name="b", spec=SPEC.to_json(), serving_generation=90).to_item())
    isolate(halves)
    see(halves)
    assert limits(halves, 90) == (2, 10)


def test_whoever_outlives_a_cluster_that_a_person_ended_may_grow(halves: World) -> None:
    """Nothing isolates that one: it is the monitor's to tell of, and EMR's state says it."""
    halves.put(ManagedCluster(name="b", spec=SPEC.to_json(), serving_generation=90).to_item())
    halves.cluster(90).ended_at = halves.clock.now
    see(halves)
    assert limits(halves) == (2, 20)


def test_it_is_set_back_when_both_have_served_for_a_while(halves: World) -> None:
    """B5: not at once, and silently."""
    isolate(halves)
    see(halves)
    give_back(halves)
    halves.clock.now += SETTLE_SECONDS - 1
    see(halves)
    assert limits(halves) == (2, 20)
    halves.clock.now += 1
    see(halves)
    assert limits(halves) == (2, 10)
    assert halves.notices == []


def test_how_long_it_was_alone_does_not_count(halves: World) -> None:
    """The time runs from when it was last alone, not from when that began."""
    isolate(halves)
    for _ in range(10):
        see(halves)
        halves.clock.now += 60
    give_back(halves)
    see(halves)
    assert limits(halves) == (2, 20)


def test_a_controller_that_died_before_its_call_is_made_up_for(halves: World) -> None:
    """B11: state decides, not events."""
    isolate(halves)
    halves.lose_call = halves.calls + 2  # the intent is written, then the policy
    with pytest.raises(LostAnswerError):
        see(halves)
    halves.lose_call = None
    see(halves)
    assert limits(halves) == (2, 20)
    give_back(halves)
    halves.clock.now += SETTLE_SECONDS
    see(halves)
    assert limits(halves) == (2, 10)
    assert halves.notices == []


def test_without_the_setting_nobody_grows(halves: World) -> None:
    scaling = replace(SPEC.scaling or pytest.fail(), maximum_instances_alone=None)
    halves.put({**halves.managed_cluster().to_item(), "spec": replace(SPEC, scaling=scaling).to_json()})
    isolate(halves)
    calls = halves.calls
    see(halves)
    assert halves.calls == calls


def test_a_failover_gives_the_survivor_room_and_takes_it_back(halves: World) -> None:
    """A9, A12: with the real steps; b is the survivor."""
    halves.put(ManagedCluster(name="b", spec=SPEC.to_json(), serving_generation=90).to_item())
    request = failing(halves)
    halves.run_operation(request, until="Launch")
    see(halves)
    assert (limits(halves, 90), limits(halves)) == ((2, 20), (2, 10))
    halves.run_operation(request, until="CutOver")
    see(halves)  # as every minute
    assert halves.run_operation(request) == "CutOverDone"
    see(halves)
    assert limits(halves, 90) == (2, 20)
    halves.clock.now += SETTLE_SECONDS
    see(halves)
    assert (limits(halves, 90), limits(halves, 2)) == ((2, 10), (2, 10))


def test_people_are_told_how_far_the_survivor_may_grow(halves: World) -> None:
    """A9: in the message about a half that stays out."""
    assert room_of_others(halves.deployment, "a") == ""  # b has no such spec
    halves.put(ManagedCluster(name="b", spec=SPEC.to_json(), serving_generation=90).to_item())
    sentence = "Meanwhile managed scaling of b may start up to 20 instances."
    assert room_of_others(halves.deployment, "a") == sentence
    request = failing(halves)
    halves.canary_state = "dead"
    assert halves.run_operation(request) == "Failed"
    assert halves.notices[-1]["message"].partition("What to do next")[0].rstrip().endswith(sentence)


@pytest.mark.parametrize("found", [compute_limits(2, 50), compute_limits(2, 10, MaximumOnDemandCapacityUnits=0), None])
def test_limits_that_a_person_set_are_put_back_and_told_of(serving: World, found: dict[str, Any] | None) -> None:
    """What stands in the settings is what was decided; a change by hand would be lost with the next failover."""
    serving.cluster(1).limits = found
    see(serving)
    assert limits(serving) == (2, 10)
    (notice,) = serving.notices
    assert notice["subject"] == "emr-dr-active-passive: the scaling limits of a were not those of the settings"
    assert "It keeps to 2 to 10 instances again, as the settings say." in notice["message"]
    assert "none is replaced" in notice["message"]


def test_the_same_is_told_again_after_an_hour_only(serving: World) -> None:
    """Somebody's script may set them each minute."""
    for _ in range(3):
        serving.cluster(1).limits = compute_limits(2, 50)
        see(serving)
        assert limits(serving) == (2, 10)
        serving.clock.now += 60
    assert len(serving.notices) == 1
    serving.clock.now += TELL_AGAIN_SECONDS
    serving.cluster(1).limits = compute_limits(2, 50)
    see(serving)
    assert len(serving.notices) == 2


def test_nothing_is_changed_while_a_person_has_paused_the_deployment(serving: World) -> None:
    """Who needs other limits for a night can have them."""
    serving.put(Controls(paused=True, paused_by="who", paused_at=serving.clock.now).to_item())
    serving.cluster(1).limits = compute_limits(2, 50)
    calls = serving.calls
    reconcile(serving.deployment)
    assert (limits(serving), serving.calls) == ((2, 50), calls + 1)  # a prober is asked for the newest id


@pytest.mark.parametrize("broken", ["describe_cluster", "get_managed_scaling_policy", "put_managed_scaling_policy"])
def test_an_error_of_our_own_call_changes_nothing_and_is_told_of(serving: World, broken: str) -> None:
    """UNKNOWN leads to no action; the heartbeat stays away."""
    serving.cluster(1).limits = compute_limits(2, 50)
    serving.broken = {broken}
    assert len(see(serving)) == 1
    assert limits(serving) == (2, 50)


def test_another_half_that_cannot_be_read_does_not_count_as_ended(halves: World) -> None:
    halves.put(ManagedCluster(name="b", spec=SPEC.to_json(), serving_generation=90).to_item())
    del halves.clusters["j-90"]
    see(halves)
    assert limits(halves) == (2, 10)


def test_a_cluster_that_is_not_ours_is_not_touched(serving: World) -> None:
    """The record may name what became somebody else's."""
    serving.cluster(1).limits = compute_limits(2, 50)
    serving.cluster(1).tags["emr-dr:deployment"] = "other"
    assert see(serving) == ["limits and tags of j-1"]
    assert limits(serving) == (2, 50)


def test_a_cluster_that_ends_is_left_alone(serving: World) -> None:
    """EMR refuses every change of it."""
    serving.cluster(1).limits = compute_limits(2, 50)
    serving.cluster(1).ended_at = serving.clock.now
    assert see(serving) == []


@pytest.mark.parametrize("changes", [{"tombstone": True}, {"spec": None}, {"serving_generation": None}])
def test_what_does_not_serve_or_goes_is_left_alone(serving: World, changes: dict[str, Any]) -> None:
    serving.cluster(1).limits = compute_limits(2, 50)
    item = {**serving.managed_cluster().to_item(), **changes}
    serving.put({name: value for name, value in item.items() if value is not None})
    assert see(serving) == []
    assert limits(serving) == (2, 50)


def test_a_spec_of_before_is_left_to_its_template(serving: World) -> None:
    """Its limits are in it."""
    serving.cluster(1).limits = compute_limits(2, 50)
    spec = replace(SPEC, scaling=None, tags={})
    serving.put({**serving.managed_cluster().to_item(), "spec": spec.to_json()})
    assert see(serving) == []
    assert limits(serving) == (2, 50)


def test_a_deploy_that_came_meanwhile_has_the_last_word(serving: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record is read once more right before a change."""
    serving.cluster(1).limits = compute_limits(2, 50)
    recorded = read_record(serving.deployment)
    newer = replace(SPEC, tags={})
    serving.put({**serving.managed_cluster().to_item(), "spec": newer.to_json()})
    assert see_to_scaling(serving.deployment, recorded, paused=False) == []
    assert limits(serving) == (2, 50)


def test_the_reconciliation_sees_to_it_every_minute(serving: World) -> None:
    """And says that not all was seen when it could not."""
    serving.cluster(1).limits = compute_limits(2, 50)
    reconcile(serving.deployment)
    assert limits(serving) == (2, 10)
    assert serving.incarnation(1).state is IncarnationState.SERVING
    assert module.TELL_AGAIN_SECONDS == TELL_AGAIN_SECONDS
    assert time.time() == serving.clock.now
