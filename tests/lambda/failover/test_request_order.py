"""A13, A14: an older request of CloudFormation does nothing once a newer one has come, however late it is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.record import Outcome
from failover import custom_resource
from failover.custom_resource import respond
from failover.errors import InvariantError
from failover.executions import Executions
from failover.record_store import Change
from failover.request_order import change_in_turn, is_in_order
from failover.steps import cut_over

from .parts import CONFIG, SPEC
from .scenarios import launched
from .test_custom_resource import NEWER, event, started
from .world import World


class Killed(BaseException):
    """The function ends here, and says nothing to anybody."""


def killed(world: World, monkeypatch: pytest.MonkeyPatch, request: dict[str, Any], *, at: str, after: bool) -> None:
    """Deliver *request* to a function that is killed in its function *at*, *after* or before that is done."""
    done = getattr(custom_resource, at)

    def die(*arguments: Any, **keywords: Any) -> None:
        if after:
            done(*arguments, **keywords)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(custom_resource, at, die)
        with pytest.raises(Killed):
            respond(world.deployment, request)


def operations(world: World) -> list[str]:
    """The operations that were started."""
    return [each["operation"] for each in started(world) if each.get("operation")]


def test_the_latest_request_may_come_again(world: World) -> None:
    for request_id, latest in (("r1", True), ("r1", True), ("r2", True), ("r1", False), ("r2", True)):
        assert is_in_order(world.deployment, managed_cluster="a", request_id=request_id) is latest


def test_requests_for_another_managed_cluster_do_not_matter(world: World) -> None:
    """CloudFormation changes several at the same time."""
    is_in_order(world.deployment, managed_cluster="a", request_id="r1")
    is_in_order(world.deployment, managed_cluster="b", request_id="r2")

    assert is_in_order(world.deployment, managed_cluster="a", request_id="r1")


@pytest.mark.parametrize("after", [False, True])
def test_a_deploy_that_was_killed_and_cancelled_does_not_come_back(
    world: World, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    """Lambda calls a function that was killed again, minutes later: after the way back was answered."""
    launched(world)
    killed(world, monkeypatch, event("Update", "r2", **NEWER), at="_put_operation", after=after)
    respond(world.deployment, event("Update", "r3"))

    respond(world.deployment, event("Update", "r2", **NEWER))

    assert operations(world) == []
    assert [(each["request"], each["succeeded"]) for each in world.answers] == [("r3", True)]
    assert world.managed_cluster().spec == SPEC


@pytest.mark.parametrize("properties", [NEWER, {"Tags": '{"team": "new"}'}], ids=["another template", "another tag"])
def test_a_slow_request_is_overtaken(world: World, monkeypatch: pytest.MonkeyPatch, properties: dict[str, str]) -> None:
    """Lambda carries out two requests side by side; the way back finds nothing to stop."""
    launched(world)
    to_do = custom_resource._to_do

    def decide_and_fall_behind(*arguments: Any) -> Any:
        decided = to_do(*arguments)
        monkeypatch.setattr(custom_resource, "_to_do", to_do)
        respond(world.deployment, event("Update", "r3"))
        return decided

    monkeypatch.setattr(custom_resource, "_to_do", decide_and_fall_behind)

    # A change in place says so to nobody: CloudFormation does not wait for its answer any more.
    with contextlib.suppress(ValueError):
        respond(world.deployment, event("Update", "r2", **properties))

    assert operations(world) == []
    assert [(each["request"], each["succeeded"]) for each in world.answers] == [("r3", True)]
    assert world.managed_cluster().spec == SPEC


def test_a_slow_request_stops_nothing_of_the_newer_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever deploys twice within a moment waits for the second one."""
    launched(world)
    newest = {"TemplateUrl": "https://bucket/newest.json"}

    def fall_behind(*arguments: Any, **keywords: Any) -> bool:
        found = is_in_order(*arguments, **keywords)
        monkeypatch.setattr(custom_resource, "is_in_order", is_in_order)
        respond(world.deployment, event("Update", "r3", **newest))
        return found

    monkeypatch.setattr(custom_resource, "is_in_order", fall_behind)
    respond(world.deployment, event("Update", "r2", **NEWER))

    assert operations(world) == ["a-switchover-r3"]
    execution = world.execution(CONFIG.operation_state_machine, "a-switchover-r3")
    assert world.executions[execution]["status"] == "RUNNING"


def test_a_launch_that_was_overtaken_lifts_no_tombstone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that is launched after the deletion outlives its controller."""
    killed(world, monkeypatch, event("Create", "r1"), at="_launch", after=False)
    respond(world.deployment, event("Delete", "r2"))

    respond(world.deployment, event("Create", "r1"))

    assert operations(world) == []
    assert world.managed_cluster().tombstone


@pytest.fixture
def not_listed(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[], World]:
    """A deploy, and the way back from it that ListExecutions, which is eventually consistent, keeps it from."""

    def go_back() -> World:
        with monkeypatch.context() as patch:
            patch.setattr(Executions, "_running", lambda *_: iter(()))
            respond(world.deployment, event("Update", "r3"))
        return world

    respond(launched(world).deployment, event("Update", "r2", **NEWER))
    return go_back


def test_an_operation_that_was_not_seen_to_run_takes_no_lease(not_listed: Callable[[], World]) -> None:
    world = not_listed()
    (request,) = [each for each in started(world) if each.get("operation")]

    answer = world.step("operation", "Claim", request)

    assert (answer.status, answer.message) == (
        "cancelled",
        "a newer request of CloudFormation has come since it was asked for",
    )
    assert world.operation(request["operation"]).outcome is Outcome.CANCELLED
    assert world.managed_cluster().lease is None


def test_an_operation_that_was_not_seen_to_run_and_holds_the_lease_is_stopped(
    world: World, not_listed: Callable[[], World]
) -> None:
    (request,) = [each for each in started(world) if each.get("operation")]
    world.run_operation(request, until="Verify")

    not_listed()

    execution = world.execution(CONFIG.operation_state_machine, request["operation"])
    assert world.executions[execution]["status"] == "ABORTED"
    assert world.managed_cluster().lease is None


def test_a_failover_that_holds_the_lease_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It brings back what runs."""
    launched(world)
    world.run_operation(world.request("failover", "op2", reason="drill"), until="Verify")
    monkeypatch.setattr(Executions, "_running", lambda *_: iter(()))

    respond(world.deployment, event("Update", "r2"))

    lease = world.managed_cluster().lease
    assert lease is not None and lease.operation == "op2"


def test_what_was_overtaken_gets_no_jobs(world: World) -> None:
    """It could record nothing then, and what had come to it would be lost."""
    respond(launched(world).deployment, event("Update", "r2", **NEWER))
    (request,) = [each for each in started(world) if each.get("operation")]
    world.run_operation(request, until="CutOver")
    is_in_order(world.deployment, managed_cluster="a", request_id="r3")

    answer = world.step("operation", "CutOver", request)

    assert (answer.status, answer.message.partition(";")[0]) == (
        "failed",
        "a newer request of CloudFormation has come",
    )
    assert list(world.targets["balanced"]) == ["10.0.1.1"]


def test_what_was_overtaken_records_no_cut_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its step was at work when the newer request came."""
    respond(launched(world).deployment, event("Update", "r2", **NEWER))
    (request,) = [each for each in started(world) if each.get("operation")]
    world.run_operation(request, until="CutOver")
    monkeypatch.setattr(cut_over, "is_overtaken", lambda *_: False)
    is_in_order(world.deployment, managed_cluster="a", request_id="r3")

    with pytest.raises(InvariantError, match="or a newer request of CloudFormation has come"):
        for _ in range(20):
            world.step("operation", "CutOver", request)
            world.clock.now += 10

    assert world.managed_cluster().serving_generation == 1
    assert world.managed_cluster().spec == SPEC


def test_two_that_write_at_the_same_moment_come_one_after_the_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DynamoDB cancels one of them, which nobody calls again."""
    change, refusals = world.record.change_together, [2]

    def conflict(*changes: Change) -> bool:
        if refusals[0]:
            refusals[0] -= 1
            raise ClientError({"Error": {"Code": "TransactionCanceledException"}}, "TransactWriteItems")
        return change(*changes)

    monkeypatch.setattr(world.record, "change_together", conflict)

    assert change_in_turn(world.deployment.record, Change(key={"kind": "k", "id": "i"}, values={"a": 1}))


def test_another_error_of_the_record_is_not_passed_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Change) -> bool:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "TransactWriteItems")

    monkeypatch.setattr(world.record, "change_together", refuse)

    with pytest.raises(ClientError, match="AccessDenied"):
        change_in_turn(world.deployment.record, Change(key={"kind": "k", "id": "i"}, values={"a": 1}))
