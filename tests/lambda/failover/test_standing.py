"""A12: how things stand, so that whoever asks at night sees what serves, what works, and what would start by itself."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from dr_core.controls import Controls, Turn
from dr_core.evidence import Verdict
from dr_core.record import (
    Incarnation,
    IncarnationState,
    Incident,
    IncidentState,
    Lease,
    ManagedCluster,
    Operation,
    Outcome,
)
from dr_core.requests import Kind, OperationRequest, Reason
from failover import standing as standing_module
from failover.standing import standing

from .fakes import client_error
from .parts import OPERATIONS, START
from .scenarios import launched, standing_by
from .world import World

if TYPE_CHECKING:
    from failover.clusters import Clusters

CLOCK = "2027-01-15T08:00:00Z"  # START
WHEN_SICK = "attempt 1 of 3, as soon as the monitor calls the cluster unhealthy"


def test_a_new_deployment_can_be_looked_at(world: World) -> None:
    """Before its first cluster runs, and before anybody has decided anything."""
    world.record.items.clear()

    assert standing(world.deployment) == {
        "controls": {
            "paused": False,
            "paused_at": None,
            "paused_because": None,
            "paused_by": None,
            "resumed_at": None,
            "resumed_by": None,
            "acknowledged_at": None,
            "acknowledged_because": None,
            "acknowledged_by": None,
        },
        "automatic_operations": {
            "may_start": True,
            "because": "nothing keeps them back",
            "automatic_failovers": [],
            "launches_in_24_hours": 0,
            "launches_allowed": 8,
        },
        "managed_clusters": [],
        "incarnations": [],
        "incidents": [],
        "operations": [],
    }


def test_how_things_stand_is_shown(world: World) -> None:
    request = OperationRequest(
        operation="a-1-1", kind=Kind.FAILOVER, reason=Reason.UNHEALTHY, managed_cluster="a", incident="a-1"
    )
    operation = Operation(
        id="a-1-1",
        request=request.to_json(),
        managed_cluster="a",
        entered={"Launch": START - 10, "Claim": START - 30, "Isolate": START - 20},
        message="a first launch failed",
    )
    lease = Lease(execution="arn:execution", operation="a-1-1", since=START - 30)
    world.executions["arn:execution"] = {"status": "RUNNING"}
    serving = Incarnation(
        generation=2,
        managed_cluster="a",
        state=IncarnationState.SERVING,
        availability_zone="us-east-1a",
        cluster_id="j-2",
        slot=1,
        isolated_at=START - 20,
        reason="unhealthy",
        created_at=START - 3600,
        limits={"minimum": 2, "maximum": 20},
    )
    gone = Incarnation(generation=1, managed_cluster="a", state=IncarnationState.RETIRED)
    incident = Incident(
        managed_cluster="a",
        incident="a-1",
        state=IncidentState.OPEN,
        since=START - 40,
        first_bad_at=START - 60,
        attempts=1,
    )
    for record in (ManagedCluster(name="a", serving_generation=2, lease=lease), serving, gone, incident, operation):
        world.put(record.to_item())

    answer = standing(world.deployment)

    assert answer["managed_clusters"] == [
        {
            "name": "a",
            "serving_generation": 2,
            "being_deleted": False,
            "verdict": None,
            "reason": None,
            "attempts": "1 of 3",
            "next_automatic_operation": "none: operation a-1-1 works on it; nothing is in service that could be "
            "judged: start a failover by hand",
        }
    ]
    assert answer["incarnations"] == [
        {
            "generation": 2,
            "managed_cluster": "a",
            "state": "serving",
            "availability_zone": "us-east-1a",
            "cluster_id": "j-2",
            "slot": 1,
            "out_of_the_balanced_group": True,
            "unseeded": False,
            "scaling_limits": "2 to 20 instances",
            "its_end_is_decided": False,
        }
    ]
    assert answer["incidents"] == [
        {
            "managed_cluster": "a",
            "incident": "a-1",
            "state": "open",
            "since": "2027-01-15T07:59:20Z",
            "first_bad_at": "2027-01-15T07:59:00Z",
            "attempts": 1,
            "called_off_until": None,
        }
    ]
    assert answer["operations"] == [
        {
            "operation": "a-1-1",
            "managed_cluster": "a",
            "execution": "arn:execution",
            "runs": True,
            "since": "2027-01-15T07:59:30Z",
            "kind": "failover",
            "reason": "unhealthy",
            "step": "Launch",
            "message": "a first launch failed",
        }
    ]
    assert answer["automatic_operations"]["launches_in_24_hours"] == 1


def test_a_closed_incident_and_an_operation_without_an_item_are_shown_as_they_are(world: World) -> None:
    lease = Lease(execution="arn:execution", operation="gone", since=START - 60)
    incident = Incident(
        managed_cluster="a", incident="a-1", state=IncidentState.CLOSED, since=START, first_bad_at=START
    )
    world.put(ManagedCluster(name="a", lease=lease).to_item())
    world.put(incident.to_item())

    answer = standing(world.deployment)

    assert answer["incidents"] == []
    assert answer["operations"] == [
        {
            "operation": "gone",
            "managed_cluster": "a",
            "execution": "arn:execution",
            "runs": False,
            "since": "2027-01-15T07:59:00Z",
        }
    ]


def test_an_operation_that_has_not_begun_is_in_no_step(world: World) -> None:
    request = OperationRequest(operation="a-1", kind=Kind.REPAIR, reason=Reason.MANUAL, managed_cluster="a")
    lease = Lease(execution="arn:execution", operation="a-1", since=START)
    world.put(ManagedCluster(name="a", lease=lease).to_item())
    world.put(Operation(id="a-1", request=request.to_json(), managed_cluster="a").to_item())

    (operation,) = standing(world.deployment)["operations"]

    assert (operation["kind"], operation["step"], operation["message"]) == ("repair", None, None)


def shown(world: World) -> dict[str, Any]:
    """What is said of managed cluster ``a``."""
    (found,) = standing(world.deployment)["managed_clusters"]
    assert isinstance(found, dict)
    return found


def opened(world: World, *, attempts: int, operation: Operation | None = None) -> None:
    """An incident is open, whose latest operation is *operation*."""
    incident = Incident(
        managed_cluster="a",
        incident="a-1",
        state=IncidentState.OPEN,
        since=world.clock.now - 900,
        first_bad_at=world.clock.now - 930,
        attempts=attempts,
    )
    world.put(incident.to_item())
    if operation is not None:
        world.put(operation.to_item())


def started(world: World, attempt: int = 1, **values: Any) -> Operation:
    return Operation(
        id=f"a-1-{attempt}",
        request="{}",
        managed_cluster="a",
        execution=world.execution(OPERATIONS, f"a-1-{attempt}"),
        started_at=world.clock.now - 800,
        **values,
    )


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        (Verdict.HEALTHY, WHEN_SICK),
        (Verdict.UNHEALTHY, "attempt 1 of 3, in the monitor's next round"),
    ],
)
def test_the_verdict_is_of_this_moment(world: World, verdict: Verdict, sentence: str) -> None:
    launched(world).see_evidence(1, verdict)

    found = shown(world)

    assert (found["verdict"], found["attempts"], found["next_automatic_operation"]) == (str(verdict), None, sentence)
    assert found["reason"].startswith(f"livy: {'un' if verdict is Verdict.UNHEALTHY else ''}healthy for ") or (
        found["reason"].startswith("livy: unhealthy for nobody, healthy for prober:us-east-1a")
    )


def test_a_verdict_that_nobody_can_make_says_why(world: World) -> None:
    launched(world).record.seen.clear()

    found = shown(world)

    assert found["verdict"] == "unknown"
    assert "no 2 vantage points, one of them a prober, agree" in found["reason"]


def test_evidence_that_cannot_be_read_costs_the_verdict_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A12: whoever asks has trouble enough."""
    launched(world)

    def refuse(**_: Any) -> Any:
        raise client_error("ThrottlingException", "Rate exceeded")

    monkeypatch.setattr(world.record, "evidence", refuse)

    found = shown(world)

    assert found["verdict"] == "unknown"
    assert found["reason"].startswith("the evidence cannot be read now: ")
    assert found["next_automatic_operation"] == WHEN_SICK


def test_what_a_person_ended_is_not_replaced_and_that_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A11."""
    launched(world).see_evidence(1, Verdict.UNHEALTHY)
    ended = {"State": "TERMINATED", "StateChangeReason": {"Code": "USER_REQUEST", "Message": "by user"}}
    clusters = SimpleNamespace(client=SimpleNamespace(describe_cluster=lambda **_: {"Cluster": {"Status": ended}}))

    (found,) = standing(replace(world.deployment, clusters=cast("Clusters", clusters)))["managed_clusters"]

    assert found["reason"].startswith("terminated by a person (by user), not replaced; ")
    assert found["next_automatic_operation"] == (
        "none: a person terminated the cluster, so that it is not replaced: if it shall be, start a failover"
    )


@pytest.mark.parametrize(("attempts", "starts"), [(0, True), (1, False)])
def test_a_standby_counts_for_the_budget_until_it_was_not_taken(world: World, attempts: int, starts: bool) -> None:
    """B7: as the monitor sees it."""
    standing_by(world).see_evidence(1, Verdict.UNHEALTHY)
    for generation in range(11, 11 + world.deployment.config.policy.launches_per_day):
        launch = replace(
            world.incarnation(2), generation=generation, state=IncarnationState.RETIRED, reason="unhealthy"
        )
        world.put(launch.to_item())
    opened(world, attempts=attempts, operation=started(world, 1, outcome=Outcome.FAILED) if attempts else None)

    answer = standing(world.deployment)

    (found,) = answer["managed_clusters"]
    assert answer["automatic_operations"]["may_start"]
    assert found["next_automatic_operation"].startswith(
        "attempt 1 of 3, in the monitor's next round" if starts else "none: automatic operations launched 9 clusters"
    )


def test_used_up_attempts_are_said(world: World) -> None:
    launched(world).see_evidence(1, Verdict.UNHEALTHY)
    opened(world, attempts=3, operation=started(world, 3, outcome=Outcome.FAILED))

    found = shown(world)

    assert found["attempts"] == "3 of 3"
    assert found["next_automatic_operation"] == (
        "none: 3 of 3 attempts are used up: only a person starts the next failover"
    )


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("RUNNING", "none: operation a-1-1 runs"),
        ("ABORTED", "attempt 2 of 3, in the monitor's next round"),
    ],
)
def test_an_attempt_counts_by_what_its_execution_does(world: World, status: str, sentence: str) -> None:
    """It may have been started a moment ago, or somebody stopped it."""
    launched(world).see_evidence(1, Verdict.UNHEALTHY)
    operation = started(world)
    opened(world, attempts=1, operation=operation)
    world.executions[str(operation.execution)] = {"status": status}

    assert shown(world)["next_automatic_operation"] == sentence


def test_a_lease_whose_execution_was_stopped_holds_nothing_up(world: World) -> None:
    launched(world).see_evidence(1, Verdict.UNHEALTHY)
    lease = Lease(execution="arn:stopped", operation="a-by-hand", since=START)
    world.put(replace(world.managed_cluster(), lease=lease).to_item())
    world.executions["arn:stopped"] = {"status": "ABORTED"}

    answer = standing(world.deployment)

    assert answer["managed_clusters"][0]["next_automatic_operation"] == "attempt 1 of 3, in the monitor's next round"
    assert answer["operations"][0]["runs"] is False


def test_what_step_functions_does_not_say_is_held_to_run(world: World) -> None:
    """A14: an error of our own call is no reason to promise anything."""
    launched(world).see_evidence(1, Verdict.UNHEALTHY)
    lease = Lease(execution="arn:execution", operation="a-by-hand", since=START)
    world.put(replace(world.managed_cluster(), lease=lease).to_item())
    world.broken = {"describe_execution"}

    answer = standing(world.deployment)

    assert answer["managed_clusters"][0]["next_automatic_operation"] == "none: operation a-by-hand works on it"
    assert answer["operations"][0]["runs"] is None


def test_each_execution_is_asked_for_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call is time that whoever asks waits for."""
    launched(world)
    operation = started(world)
    opened(world, attempts=1, operation=operation)
    lease = Lease(execution=str(operation.execution), operation=operation.id, since=START)
    world.put(replace(world.managed_cluster(), lease=lease).to_item())
    asked: list[str] = []
    monkeypatch.setattr(standing_module, "_progress", lambda _: {})

    def runs(_: object, execution: str, *, since: float | None) -> bool:
        asked.append(execution)
        return True

    monkeypatch.setattr(type(world.deployment.executions), "runs", runs)

    standing(world.deployment)

    assert asked == [operation.execution]


@pytest.mark.parametrize(
    ("restraint", "sentence"),
    [
        (
            Controls(paused=True, paused_by="ann", paused_because="maintenance"),
            "none: automatic operations are paused by ann (maintenance) until somebody resumes them",
        ),
        (
            Turn(operation="b-1-1", managed_cluster="b", since=START + 1e9),
            "none: b-1-1 works on managed cluster b: one automatic operation at a time",
        ),
    ],
)
def test_what_keeps_it_back_is_said(world: World, restraint: Controls | Turn, sentence: str) -> None:
    launched(world).see_evidence(1, Verdict.HEALTHY)
    world.put(restraint.to_item())

    assert shown(world)["next_automatic_operation"] == sentence


@pytest.mark.parametrize(
    ("turn", "operation"),
    [
        (Turn(operation="a-1-1", managed_cluster="a", since=START + 1e9), None),
        (
            Turn(operation="b-1-1", managed_cluster="b", since=START),
            Operation(id="b-1-1", request="{}", managed_cluster="b", execution="arn:gone"),
        ),
        (
            Turn(operation="b-1-1", managed_cluster="b", since=START),
            Operation(id="b-1-1", request="{}", managed_cluster="b", execution="arn:gone", outcome=Outcome.FAILED_OVER),
        ),
    ],
    ids=["its own", "its execution has ended", "it has ended"],
)
def test_a_turn_that_is_over_keeps_nothing_back(world: World, turn: Turn, operation: Operation | None) -> None:
    launched(world).see_evidence(1, Verdict.HEALTHY)
    world.put(turn.to_item())
    if operation is not None:
        world.put(operation.to_item())

    assert shown(world)["next_automatic_operation"] == WHEN_SICK


def test_what_is_being_deleted_gets_none(world: World) -> None:
    launched(world)
    world.put(replace(world.managed_cluster(), tombstone=True).to_item())

    assert shown(world)["next_automatic_operation"] == "none: the managed cluster is being deleted"
