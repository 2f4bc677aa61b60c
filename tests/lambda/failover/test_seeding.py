"""Seeding: a second seed step, once, and the claim to be the only incarnation that numbers from 0."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_core.record import Incarnation, IncarnationState
from failover.errors import InvariantError
from failover.record_store import Change
from failover.seeding import SecondSeed, seed_again, serve_unseeded

from .scenarios import operation_call
from .world import World


@pytest.fixture
def request_of_launch(world: World) -> dict[str, Any]:
    """The request of a launch that is to be verified."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Verify")
    return request


def again(world: World, request: dict[str, Any]) -> tuple[SecondSeed, str]:
    return seed_again(operation_call(world, request, step="Claim"), world.incarnation(1))


def serve(world: World, request: dict[str, Any], *, batch_id: int = 0) -> str | None:
    return serve_unseeded(operation_call(world, request, step="Claim"), world.incarnation(1), batch_id=batch_id)


def claimed_by(world: World) -> int | None:
    item = world.record.items.get(("deployment", "unseeded"), {})
    return item.get("generation")


def test_a_second_seed_is_one_step(world: World, request_of_launch: dict[str, Any]) -> None:
    """A14: however often it is asked for."""
    for waited, state in ((0, "PENDING"), (20, "RUNNING"), (19, "RUNNING")):
        world.clock.now += waited
        assert again(world, request_of_launch) == (SecondSeed.UNDER_WAY, f"EMR calls the second seed step {state}")
    world.clock.now += 1
    assert again(world, request_of_launch) == (SecondSeed.ENDED, "EMR calls the second seed step COMPLETED")
    assert len(world.cluster(1).steps) == 1
    assert world.incarnation(1).seeded_again_at == world.clock.now - 40


@pytest.mark.parametrize("noted", [True, False])
def test_a_second_seed_whose_id_was_lost_is_found(world: World, request_of_launch: dict[str, Any], noted: bool) -> None:
    """A14: AddJobFlowSteps has no token."""
    again(world, request_of_launch)
    assert world.operation("op1").seed_step_id == "s-j-1-1"
    if not noted:
        world.record.items["operation", "op1"].pop("seed_step_id")
    world.clock.now += 40
    assert again(world, request_of_launch)[0] is SecondSeed.ENDED
    assert len(world.cluster(1).steps) == 1


@pytest.mark.parametrize(("waited", "progress"), [(299, SecondSeed.UNDER_WAY), (300, SecondSeed.OVERDUE)])
@pytest.mark.parametrize("broken", [set(), {"describe_step"}])
def test_a_seed_that_does_not_end_is_overdue(
    world: World, request_of_launch: dict[str, Any], broken: set[str], waited: float, progress: SecondSeed
) -> None:
    """Also if nobody can tell whether it did."""
    again(world, request_of_launch)
    world.cluster(1).steps[0].seconds = 10_000
    world.clock.now += waited
    world.broken = broken
    assert again(world, request_of_launch)[0] is progress


@pytest.mark.parametrize("missing", ["cluster_id", "id_prefix"])
def test_what_has_no_range_is_not_seeded(world: World, request_of_launch: dict[str, Any], missing: str) -> None:
    """Launch would not have answered done."""
    world.record.items["incarnation", "g000001"].pop(missing)
    with pytest.raises(InvariantError, match="emr-dr-active-passive-a-g1 cannot be seeded"):
        again(world, request_of_launch)


def test_one_that_may_serve_unseeded_has_the_claim_and_the_mark(
    world: World, request_of_launch: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """A13: with an alarm that says what to do."""
    assert serve(world, request_of_launch, batch_id=1) is None
    assert (claimed_by(world), world.incarnation(1).unseeded) == (1, True)
    notice = world.notices[-1]
    assert notice["subject"].startswith("emr-dr-active-passive: emr-dr-active-passive-a-g1 is going to serve with ids")
    assert "Livy of emr-dr-active-passive-a-g1 (j-1) numbers its batches from 1, not in" in notice["message"]
    assert "not in the range from 1001000000: its seed step did not work" in notice["message"]
    assert "then start a switchover" in notice["message"]
    assert '"ServingUnseeded":[1.0]' in capsys.readouterr().out.replace(" ", "")


def test_a_second_call_finds_its_own_claim(world: World, request_of_launch: dict[str, Any]) -> None:
    """A14."""
    for _ in range(2):
        assert serve(world, request_of_launch) is None
    assert claimed_by(world) == 1


def test_the_claim_comes_first_and_the_mark_last(world: World, request_of_launch: dict[str, Any]) -> None:
    """A14: who dies in between keeps everybody else out, and does it again."""
    world.put({**world.incarnation(1).to_item(), "slot": 1})
    world.put({"kind": "slot", "id": "1", "generation": 1})
    world.broken = {"modify_rule"}
    with pytest.raises(Exception, match="Rate exceeded"):
        serve(world, request_of_launch)
    assert (claimed_by(world), world.incarnation(1).unseeded) == (1, False)
    other = Incarnation(generation=9, managed_cluster="b", state=IncarnationState.VERIFYING)
    call = operation_call(world, request_of_launch, step="Claim")
    assert serve_unseeded(call, other, batch_id=0) == "emr-dr-active-passive-a-g1 numbers from 0 too and is not retired"
    world.broken.clear()
    assert serve(world, request_of_launch) is None
    assert "/[0-9]{1,8}" in str(world.rules["id-1"])
    assert world.incarnation(1).unseeded


@pytest.mark.parametrize("holder", [None, 3])
def test_of_two_at_the_same_moment_one_gets_the_claim(
    world: World, request_of_launch: dict[str, Any], holder: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A13: both looked before either had claimed; the ids of one of them would lead to the other."""
    if holder is not None:
        old = Incarnation(generation=holder, managed_cluster="b", state=IncarnationState.RETIRED, created_at=1)
        world.put(old.to_item())
        world.put({"kind": "deployment", "id": "unseeded", "generation": holder})
    change = world.record.change

    def after_another(wanted: Change) -> bool:
        world.put({"kind": "deployment", "id": "unseeded", "generation": 9})
        return change(wanted)

    monkeypatch.setattr(world.record, "change", after_another)
    assert serve(world, request_of_launch) == "another incarnation was allowed to at the same moment"
    assert (claimed_by(world), world.incarnation(1).unseeded, world.rules) == (9, False, {})


def test_a_claim_of_long_ago_is_taken_over(world: World, request_of_launch: dict[str, Any]) -> None:
    """A13: nobody asks for its ids any more."""
    old = Incarnation(generation=3, managed_cluster="b", state=IncarnationState.RETIRED, created_at=1.0, unseeded=True)
    world.put(old.to_item())
    world.put({"kind": "deployment", "id": "unseeded", "generation": 3})
    assert serve(world, request_of_launch) is None
    assert claimed_by(world) == 1


def test_who_may_not_claims_nothing(world: World, request_of_launch: dict[str, Any]) -> None:
    """A13: nothing is changed, and nobody is told that it serves."""
    other = replace(world.incarnation(1), generation=7, stack_name="emr-dr-active-passive-a-g7", unseeded=True)
    world.put(other.to_item())
    told = len(world.notices)
    assert serve(world, request_of_launch) == "emr-dr-active-passive-a-g7 numbers from 0 too and is not retired"
    assert (claimed_by(world), world.incarnation(1).unseeded, len(world.notices)) == (None, False, told)
