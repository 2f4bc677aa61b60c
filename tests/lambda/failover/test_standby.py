"""What keeps a standby: it launches one, proves it, replaces what is unfit, and never touches what serves."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dr_core.controls import Controls
from dr_core.evidence import Verdict
from dr_core.naming import is_standby_operation
from dr_core.record import IncarnationState, Incident, IncidentState, Lease, Outcome
from dr_core.standby import NEXT_CANARY_SECONDS, RETRY_SECONDS, StandbyLaunches
from failover.execution_ended import tidy_up
from failover.reconcile import reconcile
from failover.standby import keep

from .parts import OPERATIONS, RETIREMENTS
from .scenarios import (
    ended,
    failing,
    latest_request,
    launched,
    no_probers,
    settled,
    standby_asked_for,
    standing_by,
    wanting_standby,
)
from .world import World, rule_of


def operations(world: World) -> list[dict[str, Any]]:
    """The requests of every launch of a standby."""
    return [
        json.loads(each["input"])["request"]
        for arn, each in world.executions.items()
        if is_standby_operation(arn.rpartition(":")[2])
    ]


def retired(world: World) -> list[int]:
    """The generations whose retirement was started."""
    return [
        json.loads(each["input"])["request"]["generation"]
        for each in world.executions.values()
        if each.get("machine") == RETIREMENTS
    ]


def missing(capsys: pytest.CaptureFixture[str]) -> list[float]:
    """What was measured of a missing standby since the last look."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "StandbyMissing" in line]
    return [value for line in lines for value in line["StandbyMissing"]]


def test_a_standby_is_asked_for_where_something_serves(world: World) -> None:
    """Issue: standby: warm."""
    request = standby_asked_for(world)
    assert (request["kind"], request["reason"], request["managed_cluster"]) == ("standby", "standby", "a")
    assert is_standby_operation(request["operation"])


def test_nothing_is_asked_for_where_none_is_wanted(world: World) -> None:
    """standby: none is what it was before there were any."""
    before = settled(launched(world)), world.calls
    keep(world.deployment)
    assert (settled(world), world.calls) == before
    assert operations(world) == []


def test_it_is_asked_for_once(world: World) -> None:
    """A14: the next minute finds the operation running."""
    standby_asked_for(world)
    world.clock.now += 60
    keep(world.deployment)
    assert len(operations(world)) == 1


def test_the_launch_of_one_that_is_not_wanted_any_more_ends(world: World) -> None:
    """A deploy with standby: none came right after it was asked for."""
    request = standby_asked_for(world)
    wanting_standby(world, wanted=False)
    assert world.run_operation(request) == "Cancelled"
    assert world.operation(request["operation"]).message == "the settings want no standby any more"
    assert (len(world.stacks), world.managed_cluster().lease) == (1, None)


def test_two_runs_at_once_ask_once(world: World) -> None:
    """A schedule may fire twice, and both have seen that none was asked for."""
    standby_asked_for(world)
    launches = world.record.items.pop(("standby-launches", "a"))
    assert StandbyLaunches.from_item(launches).failures == 0
    keep(world.deployment)
    assert len({request["operation"] for request in operations(world)}) == 1


def test_what_was_launched_stands_by(world: World) -> None:
    """B6: launched and verified, holds a slot and a rule, not in service, in another AZ."""
    standing_by(world)
    standby = world.incarnation(2)
    assert standby.state is IncarnationState.STANDBY
    assert (standby.availability_zone, standby.slot) == ("us-east-1b", 2)
    assert rule_of(2) in json.dumps(world.rules["id-2"])
    assert list(world.targets["balanced"]) == [world.cluster(1).address]
    assert [list(world.targets[group]) for group in ("rm-a", "nn-a")] == [[world.cluster(1).address]] * 2
    assert (world.managed_cluster().serving_generation, world.managed_cluster().lease) == (1, None)
    assert world.operation(latest_request(world)["operation"]).outcome is Outcome.STANDS_BY


def test_nobody_is_told_of_a_standby_that_is_ready(world: World) -> None:
    """Whoever is woken up for nothing does not get up the next time."""
    standby_asked_for(world)
    world.notices.clear()
    world.run_operation(latest_request(world))
    assert world.notices == []


def test_none_is_asked_for_while_one_stands_by(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    standing_by(world)
    capsys.readouterr()
    keep(world.deployment)
    assert len(operations(world)) == 1
    assert missing(capsys) == [0.0]


def test_that_none_stands_by_is_measured(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """What the alarm counts, for as long as it lasts."""
    standby_asked_for(world)
    assert missing(capsys) == [1.0]


def test_a_canary_follows_before_a_quarter_of_an_hour_is_over(world: World) -> None:
    """Issue: a canary every 15 minutes; another name each time, as Livy lets one be used once."""
    standing_by(world)
    first = world.incarnation(2)
    world.clock.now += NEXT_CANARY_SECONDS
    keep(world.deployment)
    second = world.incarnation(2)
    assert second.canary_succeeded_at == world.clock.now
    assert second.canary_name != first.canary_name
    assert second.canary_id != first.canary_id


def test_no_canary_runs_before_that(world: World) -> None:
    standing_by(world)
    before = dict(world.cluster(2).canaries)
    keep(world.deployment)
    assert world.cluster(2).canaries == before


def test_a_canary_that_runs_is_waited_for(world: World) -> None:
    standing_by(world)
    proved_at = world.incarnation(2).canary_succeeded_at
    world.cluster(2).canary_state = "running"
    world.clock.now += NEXT_CANARY_SECONDS
    keep(world.deployment)
    assert world.incarnation(2).canary_begun_at == world.clock.now
    world.clock.now += 60
    keep(world.deployment)
    assert world.incarnation(2).canary_succeeded_at == proved_at
    assert len(world.cluster(2).canaries) == 2


@pytest.mark.parametrize("state", ["dead", "running"])
def test_a_standby_whose_canaries_fail_is_replaced(world: World, state: str) -> None:
    """One that never ends has failed as well; a single one may be chance."""
    standing_by(world)
    world.cluster(2).canary_state = state
    world.clock.now += NEXT_CANARY_SECONDS
    for _ in range(20):
        keep(world.deployment)
        world.clock.now += 60
        if world.incarnation(2).state is not IncarnationState.STANDBY:
            break
        assert world.incarnation(2).canary_failures < 2
    assert world.incarnation(2).given_up == "2 canary jobs failed one after the other"
    assert "replaced" in world.notices[-1]["subject"]


def test_a_standby_that_numbers_outside_its_range_is_replaced(world: World) -> None:
    """Its ids would lead to somebody else, or to nobody."""
    standing_by(world)
    world.cluster(2).bad_seed = True
    world.clock.now += NEXT_CANARY_SECONDS
    for _ in range(3):
        keep(world.deployment)
    assert world.incarnation(2).state is IncarnationState.ABANDONED


def test_a_standby_that_nobody_can_ask_is_kept(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """UNKNOWN is never UNHEALTHY; but it counts as missing when its canary has grown old."""
    standing_by(world)
    no_probers(world)
    world.clock.now += 2 * NEXT_CANARY_SECONDS
    capsys.readouterr()
    keep(world.deployment)
    assert world.incarnation(2).state is IncarnationState.STANDBY
    assert missing(capsys) == [1.0]
    assert len(operations(world)) == 1


def test_a_sick_standby_is_replaced_and_told_of(world: World) -> None:
    """Never a failover: what serves is not touched."""
    standing_by(world)
    world.notices.clear()
    world.kill_primary(2)
    world.see_evidence(2, Verdict.UNHEALTHY)
    targets = dict(world.targets["balanced"])
    keep(world.deployment)
    assert world.incarnation(2).state is IncarnationState.ABANDONED
    assert retired(world) == [2]
    assert [notice["subject"] for notice in world.notices] == ["emr-dr-active-passive: the standby of a is replaced"]
    assert world.targets["balanced"] == targets
    assert [request["kind"] for request in operations(world)] == ["standby", "standby"]


def test_the_next_standby_is_launched_beside_the_end_of_the_sick_one(world: World) -> None:
    """Within the slots of active-passive: one serves, one ends, one begins."""
    standing_by(world)
    world.kill_primary(2)
    world.see_evidence(2, Verdict.UNHEALTHY)
    keep(world.deployment)
    assert world.run_operation(latest_request(world)) == "CutOverDone"
    world.run_started_retirements()
    assert settled(world)["states"] == {1: "serving", 2: "retired", 3: "standby"}
    # The AZ of the one that was sick comes last.
    assert world.incarnation(3).availability_zone == "us-east-1c"


def test_a_standby_of_another_spec_is_replaced_without_a_word(world: World) -> None:
    """Issue: patched like the active one; that is no fault."""
    standing_by(world)
    world.notices.clear()
    world.put(replace(world.managed_cluster(), spec='{"parameters": {}, "template_url": "new"}').to_item())
    keep(world.deployment)
    assert world.incarnation(2).state is IncarnationState.ABANDONED
    assert world.notices == []


def test_a_standby_beside_what_serves_is_replaced(world: World) -> None:
    """The end of one AZ would take both."""
    standing_by(world)
    world.put(replace(world.incarnation(1), availability_zone="us-east-1b").to_item())
    keep(world.deployment)
    assert world.incarnation(2).given_up == "it stands in us-east-1b, as what is in service does"


@pytest.mark.parametrize("what", ["paused", "lease", "incident"])
def test_nothing_is_replaced_while_it_may_be_needed(world: World, what: str) -> None:
    """A person has paused, an operation works, or what serves is being mended."""
    standing_by(world)
    world.see_evidence(2, Verdict.UNHEALTHY)
    match what:
        case "paused":
            world.put(Controls(paused=True).to_item())
        case "lease":
            execution = world.execution(OPERATIONS, "op9")
            world.executions[execution] = {"status": "RUNNING", "input": "{}"}
            lease = Lease(execution=execution, operation="op9", since=world.clock.now)
            world.put(replace(world.managed_cluster(), lease=lease).to_item())
        case "incident":
            incident = Incident(
                managed_cluster="a", incident="a-1", state=IncidentState.OPEN, since=world.clock.now, first_bad_at=0.0
            )
            world.put(incident.to_item())
    keep(world.deployment)
    assert world.incarnation(2).state is IncarnationState.STANDBY
    assert retired(world) == []


def test_a_launch_that_failed_is_told_of_and_tried_again_later(world: World) -> None:
    """Never a bill that nobody sees, nor one without an end."""
    world.broken_zones = {"us-east-1b", "us-east-1c"}
    request = standby_asked_for(world)
    assert world.run_operation(request) == "Failed"
    assert "standby of a failed" in world.notices[-1]["subject"]
    assert "was left in service as it was" in world.notices[-1]["message"]
    keep(world.deployment)
    assert len(operations(world)) == 1
    world.clock.now = world.operation(request["operation"]).started_at or 0
    world.clock.now += RETRY_SECONDS + 900
    keep(world.deployment)
    assert len(operations(world)) == 2
    assert StandbyLaunches.from_item(world.record.items["standby-launches", "a"]).failures == 1


def test_a_launch_is_given_up_whose_need_has_passed(world: World) -> None:
    """Between the minute that asked for it and its first step something else may have come."""
    request = standby_asked_for(world)
    world.put(Controls(paused=True).to_item())
    assert world.run_operation(request) == "Cancelled"
    assert world.operation(request["operation"]).outcome is Outcome.CANCELLED
    assert world.managed_cluster().lease is None


def test_a_launch_that_gave_way_leaves_what_it_began_to_the_next_one(world: World) -> None:
    """Eight minutes of a launch are not thrown away."""
    request = standby_asked_for(world)
    assert world.run_operation(request, until="Verify") == "Verify"
    detail = {**ended(world, request, status="ABORTED"), "error": "Superseded"}
    world.notices.clear()
    tidy_up(world.deployment, detail)
    assert world.operation(request["operation"]).outcome is Outcome.CANCELLED
    assert (world.managed_cluster().lease, world.notices) == (None, [])
    assert world.incarnation(2).state is IncarnationState.VERIFYING
    world.clock.now += 60
    keep(world.deployment)
    assert world.run_operation(latest_request(world)) == "CutOverDone"
    assert settled(world)["states"] == {1: "serving", 2: "standby"}


def test_a_launch_that_a_person_stopped_is_given_up(world: World) -> None:
    request = standby_asked_for(world)
    world.run_operation(request, until="Verify")
    tidy_up(world.deployment, ended(world, request, status="ABORTED"))
    assert world.incarnation(2).state is IncarnationState.ABANDONED
    assert "What serves was not touched" in world.notices[-1]["message"]


def test_a_standby_that_nobody_wants_any_more_goes(world: World) -> None:
    """standby: none again; what keeps standbys is not deployed any more, the reconciliation is."""
    standing_by(world)
    (a,) = world.deployment.config.managed_clusters
    config = replace(world.deployment.config, managed_clusters=(replace(a, standby=False),))
    world.deployment = replace(world.deployment, config=config)
    reconcile(world.deployment)
    world.run_started_retirements()
    assert settled(world)["states"] == {1: "serving", 2: "retired"}
    assert world.managed_cluster().serving_generation == 1


def test_the_reconciliation_leaves_a_standby_alone(world: World) -> None:
    standing_by(world)
    before, notices = settled(world), list(world.notices)
    reconcile(world.deployment)
    assert (settled(world), world.notices) == (before, notices)


@pytest.mark.parametrize("group", ["slot-2", "balanced"])
def test_the_reconciliation_puts_a_standby_where_it_belongs(world: World, group: str) -> None:
    """Its ids lead to it, and new jobs do not."""
    standing_by(world)
    before, address = settled(world), world.cluster(2).address
    if group == "balanced":
        world.targets[group][address] = world.clock.now - 100
    else:
        world.targets[group].clear()
    reconcile(world.deployment)
    assert settled(world) == before


def test_a_deletion_takes_the_standby_along(world: World) -> None:
    standing_by(world)
    world.put({**world.managed_cluster().to_item(), "tombstone": True})
    request = {"retirement": "a-delete-1", "managed_cluster": "a", "generation": None, "planned": False}
    world.expect_answer("a-delete-1", request)
    world.run_retirement(request)
    assert settled(world)["stacks"] == settled(world)["clusters"] == []


def test_a_failover_does_not_wait_for_a_dead_standby_to_be_replaced(world: World) -> None:
    """It launches a cluster of its own, and the standby is replaced after that."""
    standing_by(world)
    world.kill_primary(2)
    assert world.run_operation(failing(world)) == "CutOverDone"
    assert world.managed_cluster().serving_generation == 3
    assert world.incarnation(2).state is IncarnationState.STANDBY
