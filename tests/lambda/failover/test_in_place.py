"""An Update that changes scaling limits or tags alone: no new cluster, no lost job."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.record import IncarnationState
from dr_core.scaling import Scaling
from dr_core.specs import Spec
from failover import custom_resource, in_place
from failover.custom_resource import respond
from failover.in_place import change_in_place, request_key
from failover.reality import read_record
from failover.reconcile import reconcile
from failover.record_store import Change
from failover.scaling import bring_in_line, see_to_scaling
from failover.stack_answers import StackAnswers

from .fakes import compute_limits
from .parts import CONFIG, OPERATIONS, LostAnswerError
from .safety import stack_event
from .scaled import SPEC, limits, properties, scaled, tags, with_other_half
from .scenarios import failing
from .world import World

WIDER = replace(SPEC, scaling=Scaling(minimum_instances=3, maximum_instances=30))
TAGGED = replace(SPEC, tags={"team": "lake"})
NEWER = replace(SPEC, template_url="https://bucket/newer.json")


@pytest.fixture
def serving(world: World) -> World:
    """Generation 1 serves as the spec says."""
    return scaled(world)


def update(world: World, spec: Spec, request_id: str = "r2") -> None:
    respond(world.deployment, stack_event("Update", request_id, **properties(spec)))


def answers(world: World) -> list[tuple[str, bool]]:
    return [(each["request"], each["succeeded"]) for each in world.answers]


def operations(world: World) -> list[str]:
    """Names of the operations that were started for CloudFormation."""
    return [each["name"] for each in world.executions.values() if each.get("machine") == OPERATIONS]


def test_limits_are_changed_on_the_cluster_that_runs(serving: World) -> None:
    """A3, A14: and every later launch has them."""
    update(serving, WIDER)
    assert serving.cluster(1).limits == compute_limits(3, 30)
    assert serving.managed_cluster().spec == WIDER.to_json()
    assert (answers(serving), operations(serving), serving.notices) == ([("r2", True)], [], [])
    serving.run_operation(failing(serving))
    assert limits(serving, 2) == (3, 30)


def test_the_answer_has_the_attributes_of_the_resource(serving: World) -> None:
    """CloudFormation forgets those that an answer leaves out."""
    update(serving, WIDER)
    (answer,) = serving.answers
    assert answer["data"] == {"ClusterId": "j-1", "Generation": "1"}
    assert answer["reason"] == "j-1 runs on, with 3 to 30 instances and its tags as asked for"


def test_tags_are_added_and_those_that_were_ours_taken_back(serving: World) -> None:
    """B7; tags of others stay."""
    serving.cluster(1).tags["owner"] = "somebody"
    update(serving, TAGGED)
    assert tags(serving) == {"team": "lake", "owner": "somebody"}
    assert serving.incarnation(1).tags == {"team": "lake"}
    assert serving.cluster(1).tags["emr-dr:deployment"] == "emr-dr-active-passive"


def test_numbers_that_arrive_as_numbers_are_no_change(serving: World) -> None:
    """CloudFormation passes texts on, a person who tries it in a console numbers."""
    assert SPEC.scaling is not None
    plain = {**properties(SPEC), "Scaling": json.dumps(SPEC.scaling.to_dict())}
    calls = serving.calls
    respond(serving.deployment, stack_event("Update", "r2", **plain))
    assert serving.calls == calls + 3  # that it came, that it was carried out, and the answer
    assert answers(serving) == [("r2", True)]


def test_a_change_of_both_kinds_is_a_switchover_with_everything(serving: World) -> None:
    both = replace(WIDER, template_url="https://bucket/newer.json")
    update(serving, both)
    assert limits(serving) == (2, 10)
    assert operations(serving) == ["a-switchover-r2"]
    serving.run_operation(serving.request("switchover", "a-switchover-r2", reason="upgrade"))
    assert limits(serving, 2) == (3, 30)
    assert serving.managed_cluster().spec == both.to_json()


@pytest.mark.parametrize("call", ["describe_cluster", "get_managed_scaling_policy", "put_managed_scaling_policy"])
def test_what_emr_refuses_fails_the_deploy_and_leaves_the_old_spec(
    serving: World, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """With a reason for whoever deploys; CloudFormation's way back is no change then."""
    monkeypatch.setattr(custom_resource, "deployment_from_environment", lambda: serving.deployment)
    sent: list[tuple[bool, str]] = []
    monkeypatch.setattr(StackAnswers, "send", lambda *_, succeeded, reason, **__: sent.append((succeeded, reason)))
    serving.broken = {call}
    custom_resource.handler(stack_event("Update", "r2", **properties(WIDER)), None)
    ((succeeded, reason),) = sent
    assert not succeeded
    assert reason.startswith("scaling limits and tags of emr-dr-active-passive-a-g1 (j-1) could not be changed: ")
    assert "Rate exceeded" in reason
    assert "The old ones hold on" in reason
    assert serving.managed_cluster().spec == SPEC.to_json()
    serving.broken = set()
    update(serving, SPEC, "r3")
    assert answers(serving) == [("r3", True)]


def test_what_was_refused_is_not_carried_out_when_it_is_delivered_again(serving: World) -> None:
    """A14: CloudFormation was told that it failed, took it back, and has put something else since."""
    serving.broken = {"put_managed_scaling_policy"}
    for _ in range(2):
        with pytest.raises(ValueError, match="could not be changed"):
            update(serving, WIDER)
        serving.broken = set()
    assert limits(serving) == (2, 10)
    assert serving.managed_cluster().spec == SPEC.to_json()


def test_what_was_changed_before_an_error_is_put_back(serving: World) -> None:
    """The limits were set when EMR refused a tag."""
    serving.broken = {"add_tags"}
    with pytest.raises(ValueError, match="could not be changed"):
        update(serving, replace(WIDER, tags=TAGGED.tags))
    assert limits(serving) == (3, 30)
    serving.broken = set()
    reconcile(serving.deployment)
    assert (limits(serving), tags(serving)) == ((2, 10), {"cost-center": "analytics"})
    assert serving.notices == []


@pytest.mark.parametrize("call", range(1, 7))
def test_a_function_that_dies_at_any_call_is_made_up_for(world: World, call: int) -> None:
    """B11: Lambda runs it again, or the reconciliation brings it in line with whatever the record says."""
    serving = scaled(world)
    wanted = replace(WIDER, tags=TAGGED.tags)
    serving.lose_call = serving.calls + call
    with pytest.raises((LostAnswerError, ValueError)):
        update(serving, wanted)
    serving.lose_call = None
    see_to_scaling(serving.deployment, read_record(serving.deployment), paused=False)
    kept = Spec.from_json(serving.managed_cluster().spec or "")
    assert kept.scaling is not None
    assert (limits(serving), tags(serving)) == (
        (kept.scaling.minimum_instances, kept.scaling.maximum_instances),
        kept.tags,
    )
    update(serving, wanted)
    assert (limits(serving), tags(serving)) == ((3, 30), {"team": "lake"})
    assert answers(serving)[-1] == ("r2", True)


def test_a_request_that_is_delivered_again_much_later_changes_nothing(serving: World) -> None:
    """A newer one has been carried out since."""
    update(serving, WIDER, "r2")
    update(serving, SPEC, "r3")
    update(serving, NEWER, "r4")
    update(serving, WIDER, "r2")
    assert limits(serving) == (2, 10)
    assert serving.managed_cluster().spec == SPEC.to_json()
    assert serving.executions[serving.execution(OPERATIONS, "a-switchover-r4")]["status"] == "RUNNING"
    assert answers(serving) == [("r2", True), ("r3", True)]


def test_a_request_whose_answer_was_lost_is_answered_again(serving: World) -> None:
    """CloudFormation would wait for an hour."""
    update(serving, WIDER)
    calls = serving.calls
    update(serving, WIDER)
    assert answers(serving) == [("r2", True), ("r2", True)]
    assert serving.calls == calls + 1
    assert [serving.deployment.record.has(request_key(each)) for each in ("r2", "r3")] == [True, False]


def test_it_supersedes_a_switchover_that_runs(serving: World) -> None:
    """The way back from a deploy that was given up, with other limits than before it."""
    update(serving, NEWER)
    request = serving.request("switchover", "a-switchover-r2", reason="upgrade")
    serving.run_operation(request, until="Verify")
    update(serving, WIDER, "r3")
    assert serving.executions[serving.execution(OPERATIONS, "a-switchover-r2")]["status"] == "ABORTED"
    assert serving.incarnation(2).state is IncarnationState.ABANDONED
    assert (limits(serving), serving.managed_cluster().spec) == ((3, 30), WIDER.to_json())


@pytest.mark.parametrize("spec", [SPEC, replace(WIDER, tags=TAGGED.tags)])
@pytest.mark.parametrize("state", ["Verify", "CutOver"])
def test_what_a_person_asked_for_goes_on(serving: World, spec: Spec, state: str) -> None:
    """Whoever leaves an AZ is not held up by a tag; what comes up gets it once it serves."""
    request = serving.request("switchover", "op2", reason="evacuation")
    serving.run_operation(request, until=state)
    lease = serving.managed_cluster().lease
    update(serving, spec)
    assert answers(serving) == [("r2", True)]
    assert serving.executions[serving.execution(OPERATIONS, "op2")]["status"] == "RUNNING"
    assert (serving.incarnation(2).state, serving.managed_cluster().lease) == (IncarnationState.VERIFYING, lease)
    assert serving.run_operation(request) == "CutOverDone"
    reconcile(serving.deployment)
    assert serving.managed_cluster().serving_generation == 2
    assert spec.scaling is not None
    assert limits(serving, 2) == (spec.scaling.minimum_instances, spec.scaling.maximum_instances)
    assert (tags(serving, 2), serving.managed_cluster().spec) == (spec.tags, spec.to_json())


def test_a_deploy_that_replaces_stops_what_a_person_asked_for(serving: World) -> None:
    """It would bring in what shall go."""
    request = serving.request("switchover", "op2", reason="evacuation")
    serving.run_operation(request, until="Verify")
    update(serving, NEWER)
    assert serving.executions[serving.execution(OPERATIONS, "op2")]["status"] == "ABORTED"
    assert (operations(serving), serving.managed_cluster().lease) == (["a-switchover-r2"], None)


def test_a_cluster_that_ends_is_not_asked(serving: World) -> None:
    """EMR would refuse it; what takes over has the new limits."""
    request = failing(serving)
    serving.run_operation(request, until="Launch")
    serving.cluster(1).ended_at = serving.clock.now
    update(serving, WIDER)
    assert limits(serving) == (2, 10)
    assert answers(serving) == [("r2", True)]
    assert "what takes over from it gets the new limits" in serving.answers[0]["reason"]
    serving.run_operation(request)
    assert limits(serving, 2) == (3, 30)


def test_what_was_launched_before_it_is_brought_in_line_once_it_serves(serving: World) -> None:
    """A failover that was under way launched with the old limits and tags."""
    request = failing(serving)
    serving.run_operation(request, until="Verify")
    update(serving, replace(WIDER, tags=TAGGED.tags))
    assert (limits(serving, 2), tags(serving, 2)) == ((2, 10), {"cost-center": "analytics"})
    serving.run_operation(request)
    reconcile(serving.deployment)
    assert (limits(serving, 2), tags(serving, 2)) == ((3, 30), {"team": "lake"})
    assert serving.notices[-1]["subject"].endswith("a failed over")  # and nobody was told of limits


def test_whoever_serves_alone_keeps_its_room(serving: World) -> None:
    """A9: the limits change around it."""
    with_other_half(serving)
    other = replace(CONFIG.managed_clusters[0], name="b")
    config = replace(CONFIG, managed_clusters=(*CONFIG.managed_clusters, other))
    serving.deployment = replace(serving.deployment, config=config)
    serving.put({**serving.incarnation(90).to_item(), "isolated_at": serving.clock.now})
    scaling = Scaling(minimum_instances=3, maximum_instances=30, maximum_instances_alone=40)
    update(serving, replace(SPEC, scaling=scaling))
    assert limits(serving) == (3, 40)


def test_a_cluster_that_took_over_meanwhile_fails_the_deploy(serving: World) -> None:
    """What was changed is not what serves any more."""
    before = serving.managed_cluster()
    serving.put({**before.to_item(), "serving_generation": 2})
    with pytest.raises(ValueError, match="another cluster took over managed cluster a while"):
        change_in_place(serving.deployment, before, WIDER, request_id="r2")
    assert serving.managed_cluster().spec == SPEC.to_json()


def test_two_deliveries_at_once_do_not_fail_the_deploy(serving: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have read the old spec, and one of them writes first."""
    deliveries = [1]

    def meanwhile(*arguments: Any, **keywords: Any) -> None:
        bring_in_line(*arguments, **keywords)
        if deliveries:
            deliveries.pop()
            update(serving, WIDER)

    monkeypatch.setattr(in_place, "bring_in_line", meanwhile)
    update(serving, WIDER)
    assert answers(serving) == [("r2", True), ("r2", True)]
    assert serving.managed_cluster().spec == WIDER.to_json()


@pytest.mark.parametrize(("conflicts", "succeeds"), [(2, True), (3, False)])
def test_a_transaction_that_meets_another_one_is_tried_again(
    serving: World, monkeypatch: pytest.MonkeyPatch, conflicts: int, *, succeeds: bool
) -> None:
    """DynamoDB cancels one of two that change the same item at the same moment."""
    record = serving.deployment.record
    change, left = record.change_together, [1] * conflicts

    def conflicting(*changes: Change) -> bool:
        if left and len(changes) > 1:
            left.pop()
            raise ClientError({"Error": {"Code": "TransactionCanceledException"}}, "TransactWriteItems")
        return change(*changes)

    monkeypatch.setattr(record, "change_together", conflicting)
    with nullcontext() if succeeds else pytest.raises(ClientError):
        update(serving, WIDER)
    assert answers(serving) == [("r2", True)] * succeeds


@pytest.mark.parametrize("item", [{"cluster_id": None}])
def test_nothing_known_to_serve_fails_the_deploy(serving: World, item: dict[str, Any]) -> None:
    found = {**serving.incarnation(1).to_item(), **item}
    serving.put({name: value for name, value in found.items() if value is not None})
    with pytest.raises(ValueError, match="nothing is known to serve as managed cluster a"):
        update(serving, WIDER)


def test_a_cluster_that_is_not_ours_is_not_touched(serving: World) -> None:
    serving.cluster(1).tags["emr-dr:deployment"] = "other"
    with pytest.raises(Exception, match="must not be changed"):
        update(serving, WIDER)
    assert limits(serving) == (2, 10)
