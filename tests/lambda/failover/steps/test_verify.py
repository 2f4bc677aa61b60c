"""Verify: nobody depends on an incarnation that was not proved."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.evidence import Verdict
from failover.errors import InvariantError

from ..fakes import client_error
from ..scenarios import no_probers, settled
from ..world import World


def launching(world: World, *, seen: Verdict = Verdict.HEALTHY) -> dict[str, Any]:
    """The request of a launch whose cluster is up, and whose services every prober calls *seen*."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Verify")
    world.see_evidence(1, seen)
    return request


def test_a_canary_and_two_vantage_points_are_proof(world: World) -> None:
    """A10: what serves next accepts jobs and runs them."""
    answer = world.step("operation", "Verify", launching(world))
    assert answer.status == "done"
    assert answer.message.startswith("generation 1 is proved: the canary job succeeded and two vantage points")


def test_a_second_call_changes_nothing(world: World) -> None:
    """A14: the same canary, the same slot."""
    request = launching(world)
    world.step("operation", "Verify", request)
    before, incarnation = settled(world), world.incarnation(1)
    assert world.step("operation", "Verify", request).status == "done"
    assert (settled(world), world.incarnation(1)) == (before, incarnation)


def test_verify_notes_down_the_canary(world: World) -> None:
    """Route asks for it by its id."""
    world.run_operation(world.request("launch", "op1"), until="Route")
    incarnation = world.incarnation(1)
    assert incarnation.canary_name == "emr-dr-canary-g1-1"
    assert incarnation.canary_id == 1_001_000_000
    assert incarnation.canary_app_id == "application_1_0001"


def test_a_canary_that_has_a_name_keeps_it(world: World) -> None:
    """Another name would be another job."""
    request = launching(world)
    world.put({**world.incarnation(1).to_item(), "canary_name": "emr-dr-canary-g1-7"})
    world.step("operation", "Verify", request)
    assert world.incarnation(1).canary_name == "emr-dr-canary-g1-7"


def test_verify_routes_beside_the_canary(world: World) -> None:
    """The load balancer needs its time, and so does the canary."""
    request = world.request("launch", "op1")
    world.canary_state = "running"
    world.run_operation(request, until="Verify")
    world._look_around()
    assert world.step("operation", "Verify", request).status == "wait"
    assert list(world.targets["slot-1"]) == ["10.0.1.1"]
    assert world.incarnation(1).slot == 1


def test_a_proved_incarnation_need_not_have_a_slot_yet(world: World) -> None:
    """Route waits for one."""
    for number in (1, 2, 3, 4):
        world.put({"kind": "slot", "id": str(number), "generation": 90 + number})
    assert world.step("operation", "Verify", launching(world)).status == "done"
    assert world.incarnation(1).slot is None


def test_verify_waits_for_two_vantage_points(world: World) -> None:
    """A canary that succeeded is not enough."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Verify")
    world.record.seen.clear()
    answer = world.step("operation", "Verify", request)
    assert answer.status == "wait"
    assert answer.message.startswith("two vantage points have not seen every service healthy")


@pytest.mark.parametrize("seen", [Verdict.UNHEALTHY, Verdict.UNKNOWN])
def test_a_canary_alone_is_no_proof(world: World, seen: Verdict) -> None:
    """A14: the monitor would call it unhealthy a moment later."""
    assert world.step("operation", "Verify", launching(world, seen=seen)).status == "wait"


def test_one_prober_and_the_canary_are_proof_where_no_other_is_left(world: World) -> None:
    """A12: the loss of one of two AZs leaves one prober."""
    request = launching(world)
    world.see_evidence(1, Verdict.HEALTHY, zones=("us-east-1b",))
    assert world.step("operation", "Verify", request).status == "done"


def test_one_prober_is_no_proof_before_the_canary_has_succeeded(world: World) -> None:
    """A14: it is the canary that stands in for the other one."""
    world.canary_state = "running"
    request = world.request("launch", "op1")
    world.run_operation(request, until="Verify")
    world.see_evidence(1, Verdict.HEALTHY, zones=("us-east-1b",))
    answer = world.step("operation", "Verify", request)
    assert answer.status == "wait"
    assert "two vantage points have not seen every service healthy" in answer.message


@pytest.mark.parametrize("state", ["dead", "error", "killed"])
def test_a_canary_that_failed_ends_the_launch(world: World, state: str) -> None:
    """A cluster that accepts jobs and cannot run them is no successor."""
    world.canary_state = state
    answer = world.step("operation", "Verify", launching(world))
    assert answer.status == "failed"
    assert "is not fit to serve: the canary job failed" in answer.message


def unseeded(world: World, *, seed_helps: bool = False) -> dict[str, Any]:
    """The request of a launch whose Livy numbers from 0."""
    world.bad_seed, world.seed_helps = True, seed_helps
    return launching(world)


def test_an_id_outside_the_range_seeds_livy_again(world: World) -> None:
    """A13: its batches would answer under the ids of another incarnation; nothing is routed to it."""
    answer = world.step("operation", "Verify", unseeded(world))
    assert (answer.status, answer.message) == (
        "wait",
        "Livy numbers its batches outside the incarnation's range (canary 0); EMR calls the second seed step PENDING",
    )
    (step,) = world.cluster(1).steps
    assert (step.name, step.arguments) == (
        "emr-dr-seed-livy-op1",
        ["s3://assets/seed.sh", "1001000000", "/recovery"],
    )
    assert world.incarnation(1).seeded_again_at == world.clock.now
    assert world.rules == {}


def test_a_second_canary_has_a_name_of_its_own(world: World) -> None:
    """Livy lets a name be used once; it is not submitted before the step has ended."""
    request = unseeded(world, seed_helps=True)
    for _ in range(3):
        assert world.step("operation", "Verify", request).status == "wait"
        world.clock.now += 19
    assert list(world.cluster(1).canaries) == ["emr-dr-canary-g1-1"]
    world.clock.now += 19
    assert world.wait_for("operation", "Verify", request).status == "done"
    assert world.cluster(1).canaries == {"emr-dr-canary-g1-1": 0, "emr-dr-canary-g1-2": 1_001_000_000}
    incarnation = world.incarnation(1)
    assert (incarnation.canary_name, incarnation.canary_id) == ("emr-dr-canary-g1-2", 1_001_000_000)
    assert not incarnation.unseeded


@pytest.mark.parametrize("end", ["FAILED", "CANCELLED"])
@pytest.mark.parametrize("seed_helps", [True, False])
def test_whether_a_seed_helped_is_looked_at_not_believed(world: World, end: str, seed_helps: bool) -> None:
    """A14: a step may fail after it did its work."""
    request = unseeded(world, seed_helps=False)
    world.step_end = end
    world.step("operation", "Verify", request)
    world.cluster(1).bad_seed = not seed_helps
    assert world.wait_for("operation", "Verify", request).status == "done"
    assert world.incarnation(1).unseeded is not seed_helps


def test_a_seed_that_does_not_end_ends_the_launch(world: World) -> None:
    """A13: whenever it came, it would change where the ids of a Livy in service go on."""
    request = unseeded(world)
    world.step("operation", "Verify", request)
    world.cluster(1).steps[0].seconds = 10_000
    answer = world.wait_for("operation", "Verify", request)
    assert (answer.status, answer.message) == (
        "failed",
        "generation 1 is not fit to serve: Livy numbers its batches outside the incarnation's range, and EMR calls the "
        "second seed step RUNNING",
    )
    assert not world.incarnation(1).unseeded


def test_a_second_canary_has_the_whole_time(world: World) -> None:
    """The first one and the step used some of it up."""
    request = unseeded(world, seed_helps=True)
    world.clock.now += 200
    world.step("operation", "Verify", request)
    world.canary_state = world.cluster(1).canary_state = "running"
    world.clock.now += 290
    world._look_around()
    assert world.step("operation", "Verify", request).status == "wait"
    world.clock.now += 9
    assert world.step("operation", "Verify", request).status == "wait"
    world.clock.now += 1
    assert world.step("operation", "Verify", request).status == "failed"


def test_small_ids_lead_to_what_serves_unseeded(world: World) -> None:
    """A13: with an alarm, and by the rule of a slot that it has already or gets later."""
    request = unseeded(world)
    assert world.wait_for("operation", "Verify", request).status == "done"
    assert "/[0-9]{1,8}" in str(world.rules["id-1"])
    assert world.incarnation(1).unseeded
    before, told = settled(world), len(world.notices)
    assert world.step("operation", "Verify", request).status == "done"
    assert (settled(world), len(world.notices)) == (before, told)


def test_what_may_not_serve_unseeded_ends_the_launch(world: World) -> None:
    """A13: another one issues such ids, or did so a short time ago."""
    world.put({"kind": "incarnation", "id": "g000077", "generation": 77, "managed_cluster": "b", "state": "retired",
               "unseeded": True, "fenced_at": int(world.clock.now)})  # fmt: skip
    answer = world.wait_for("operation", "Verify", unseeded(world))
    assert answer.status == "failed"
    assert answer.message.startswith(
        "generation 1 is not fit to serve: Livy numbers its batches outside the incarnation's range: the seed step "
        "failed, also after a second run, and it may not serve like this: generation 77 of managed cluster b numbered "
        "from 0 too"
    )
    assert world.rules == {}


def test_an_emr_that_cannot_be_asked_is_waited_for(world: World) -> None:
    """An error of our own call says nothing about the cluster."""
    request = unseeded(world, seed_helps=True)
    world.broken = {"add_job_flow_steps"}
    answer = world.step("operation", "Verify", request)
    assert (answer.status, "EMR could not be asked for the second seed step" in answer.message) == ("wait", True)
    world.broken.clear()
    assert world.wait_for("operation", "Verify", request).status == "done"
    assert len(world.cluster(1).steps) == 1


def test_verify_gives_up_at_its_limit(world: World) -> None:
    """The canary may hang."""
    world.canary_state = "running"
    assert world.run_operation(world.request("launch", "op1")) == "Failed"
    assert "the canary job has not succeeded" in (world.operation("op1").message or "")


def test_verify_waits_while_no_prober_can_be_asked(world: World) -> None:
    """An error of our own call says nothing about the cluster."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Verify")
    world._look_around()
    world.dead_probers = {f"prober-us-east-1{zone}" for zone in "abc"}
    assert world.step("operation", "Verify", request).status == "wait"
    world.dead_probers = {"prober-us-east-1a"}
    assert world.step("operation", "Verify", request).status == "done"


def test_what_was_known_of_the_canary_is_not_forgotten_without_probers(world: World) -> None:
    """Route needs its id."""
    request = launching(world)
    world.step("operation", "Verify", request)
    no_probers(world)
    world.step("operation", "Verify", request)
    assert world.incarnation(1).canary_id == 1_001_000_000


def test_evidence_that_cannot_be_read_fails_no_launch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A14: an error of our own call; the machine calls again."""
    request = launching(world)

    def refuse(**_: Any) -> Any:
        raise client_error("ThrottlingException", "Rate exceeded")

    with monkeypatch.context() as context:
        context.setattr(world.record, "evidence", refuse)
        with pytest.raises(ClientError, match="Rate exceeded"):
            world.step("operation", "Verify", request)
    assert world.step("operation", "Verify", request).status == "done"


def test_verify_without_a_launch_is_refused(world: World) -> None:
    """A machine that skips a state is wrong."""
    request = world.request("launch", "op1")
    world.step("operation", "Claim", request)
    with pytest.raises(InvariantError, match="launched nothing that Verify could work on"):
        world.step("operation", "Verify", request)


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("primary_address", "the address of its primary is not known"),
        ("id_prefix", "has no range of ids"),
    ],
)
def test_an_incarnation_that_cannot_be_reached_is_refused(world: World, missing: str, words: str) -> None:
    """Launch would not have answered done."""
    request = launching(world)
    world.record.items["incarnation", "g000001"].pop(missing)
    with pytest.raises(InvariantError, match=words):
        world.step("operation", "Verify", request)
