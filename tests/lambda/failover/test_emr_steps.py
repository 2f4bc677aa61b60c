"""EMR steps: added once for a name, only where we may, and looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest

from failover.emr_steps import EmrSteps, StepSeen
from failover.errors import InvariantError

from .fakes import FakeEmr
from .scenarios import launched
from .world import World

if TYPE_CHECKING:
    from mypy_boto3_emr import EMRClient

STACK = "emr-dr-active-passive-a-g1"


@pytest.fixture
def steps(world: World) -> EmrSteps:
    """The steps of a deployment whose cluster ``j-1`` is up."""
    return launched(world).deployment.emr_steps


def ensure(
    world: World,
    steps: EmrSteps,
    *,
    name: str = "one",
    decided_at: float | None = None,
    managed_cluster: str = "a",
    stack_name: str = STACK,
) -> str:
    return steps.ensure(
        "j-1",
        managed_cluster=managed_cluster,
        stack_name=stack_name,
        name=name,
        script="s3://assets/a.sh",
        arguments=["x", "y"],
        decided_at=world.clock.now if decided_at is None else decided_at,
    )


def test_a_step_runs_a_script_with_its_arguments(
    world: World, steps: EmrSteps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By EMR's script runner in the region of the cluster; its failure does not end the cluster."""
    asked: list[dict[str, Any]] = []
    add = FakeEmr.add_job_flow_steps

    def remember(self: FakeEmr, **request: Any) -> dict[str, Any]:
        asked.append(request)
        return add(self, **request)

    monkeypatch.setattr(FakeEmr, "add_job_flow_steps", remember)
    assert ensure(world, steps) == "s-j-1-1"
    assert asked == [
        {
            "JobFlowId": "j-1",
            "Steps": [
                {
                    "Name": "one",
                    "ActionOnFailure": "CONTINUE",
                    "HadoopJarStep": {
                        "Jar": "s3://us-east-1.elasticmapreduce/libs/script-runner/script-runner.jar",
                        "Args": ["s3://assets/a.sh", "x", "y"],
                    },
                }
            ],
        }
    ]


def test_a_step_is_added_once(world: World, steps: EmrSteps) -> None:
    """A14: also when other steps were added since, and minutes have passed."""
    decided_at = world.clock.now
    first = ensure(world, steps)
    ensure(world, steps, name="two")
    world.clock.now += 200
    assert ensure(world, steps, decided_at=decided_at) == first
    assert [step.name for step in world.cluster(1).steps] == ["one", "two"]


class Pages:
    """A client whose list of steps has these pages; remembers how many were read."""

    def __init__(self, client: Any, *pages: dict[str, Any]) -> None:
        self._client, self._pages, self.read = client, pages, 0

    def get_paginator(self, name: str) -> Any:
        assert name == "list_steps"
        return self

    def paginate(self, *, ClusterId: str) -> Iterator[dict[str, Any]]:
        assert ClusterId == "j-1"
        for page in self._pages:
            self.read += 1
            yield page

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def old(world: World, *, seconds: float, name: str = "old") -> dict[str, Any]:
    """A page with one step, which was added so long ago."""
    created = datetime.fromtimestamp(world.clock.now - seconds, tz=UTC)
    return {"Steps": [{"Id": "s-9", "Name": name, "Status": {"Timeline": {"CreationDateTime": created}}}]}


def test_old_steps_are_not_looked_at(world: World, steps: EmrSteps) -> None:
    """A cluster that runs for months may have had ten thousand."""
    pages = Pages(steps.client, *[old(world, seconds=301, name="one")] * 100)
    assert ensure(world, replace(steps, client=cast("EMRClient", pages))) == "s-j-1-1"
    assert pages.read == 1


def test_clocks_may_differ_a_little(world: World, steps: EmrSteps) -> None:
    """EMR's and ours."""
    first = ensure(world, steps)
    world.cluster(1).steps[0].created -= 299
    assert ensure(world, steps) == first


def test_a_step_without_a_time_is_looked_at(world: World, steps: EmrSteps) -> None:
    """The time is optional in EMR's answer."""
    pages = Pages(steps.client, {"Steps": [{"Id": "s-8", "Name": "two"}]}, {"Steps": [{"Id": "s-9", "Name": "one"}]})
    assert ensure(world, replace(steps, client=cast("EMRClient", pages))) == "s-9"


@pytest.mark.parametrize(("managed_cluster", "stack_name"), [("b", STACK), ("a", "another")])
def test_a_cluster_that_is_not_ours_gets_no_step(
    world: World, steps: EmrSteps, managed_cluster: str, stack_name: str
) -> None:
    """Code that runs as the cluster's role must not come into somebody else's."""
    with pytest.raises(InvariantError, match="cluster j-1 must not be given a step: it is "):
        ensure(world, steps, managed_cluster=managed_cluster, stack_name=stack_name)
    assert world.cluster(1).steps == []


def test_a_cluster_that_emr_does_not_know_gets_no_step(
    world: World, steps: EmrSteps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was forgotten."""
    monkeypatch.setattr(type(steps.clusters), "describe", lambda *_: None)
    with pytest.raises(InvariantError, match="it is unknown to EMR, not "):
        ensure(world, steps)


@pytest.mark.parametrize(("age", "state"), [(0, "PENDING"), (20, "RUNNING"), (40, "COMPLETED")])
def test_a_step_is_seen_as_it_is(world: World, steps: EmrSteps, age: int, state: str) -> None:
    """EMR API reference, StepStatus."""
    step_id = ensure(world, steps)
    world.clock.now += age
    assert steps.see("j-1", step_id) == StepSeen(state=state)


def test_why_a_step_failed_is_told(world: World, steps: EmrSteps) -> None:
    """It goes to people."""
    world.step_end = "FAILED"
    step_id = ensure(world, steps)
    world.clock.now += 40
    assert steps.see("j-1", step_id) == StepSeen(state="FAILED", reason="Unknown Error. exit code 1")


def cancel(steps: EmrSteps, step_id: str, *, name: str = "one", stack_name: str = STACK) -> str:
    return steps.cancel("j-1", step_id, name=name, managed_cluster="a", stack_name=stack_name)


def test_a_step_is_cancelled(world: World, steps: EmrSteps) -> None:
    """Twice too: the function may have died in between."""
    step_id = ensure(world, steps)
    assert [cancel(steps, step_id) for _ in range(2)] == ["", ""]
    assert steps.see("j-1", step_id) == StepSeen(state="CANCELLED")


@pytest.mark.parametrize(("reason", "told"), [("it runs", "it runs"), (None, "EMR gives no reason")])
def test_why_a_step_was_not_cancelled_is_told(
    world: World, steps: EmrSteps, monkeypatch: pytest.MonkeyPatch, reason: str | None, told: str
) -> None:
    """EMR answers for each step, and may leave the reason out."""
    step_id = ensure(world, steps)
    info = {"StepId": step_id, "Status": "FAILED", **({"Reason": reason} if reason else {})}
    monkeypatch.setattr(FakeEmr, "cancel_steps", lambda *_, **__: {"CancelStepsInfoList": [info]}, raising=False)
    assert cancel(steps, step_id) == told


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"name": "another"}, "its name is 'one', not 'another'"), ({"stack_name": "another"}, "told to cancel a step")],
)
def test_a_step_that_is_not_ours_is_not_cancelled(
    world: World, steps: EmrSteps, changes: dict[str, str], why: str
) -> None:
    """Never touch what is not ours."""
    step_id = ensure(world, steps)
    with pytest.raises(InvariantError, match=why):
        cancel(steps, step_id, **changes)
    assert steps.see("j-1", step_id).state == "PENDING"


def test_a_step_without_a_status_has_no_state(world: World, steps: EmrSteps, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of EMR's answer is optional."""
    monkeypatch.setattr(FakeEmr, "describe_step", lambda *_, **__: {"Step": {}})
    assert steps.see("j-1", "s-1") == StepSeen(state="")
