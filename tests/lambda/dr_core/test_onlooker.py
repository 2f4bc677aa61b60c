"""A11: a monitor that writes nothing starts what the monitor would start, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from dr_core.config import Policy
from dr_core.controls import Controls
from dr_core.evidence import Verdict
from dr_core.incidents import MAXIMUM_ATTEMPTS, RETRY_SECONDS, Action
from dr_core.naming import incident_name
from dr_core.onlooker import Sight, decide, open_incident, operation_ids
from dr_core.record import Incident, IncidentState, Lease, ManagedCluster, Operation, Outcome
from dr_core.requests import OperationRequest, is_the_products
from dr_core.restraints import DeploymentView, Restraint
from dr_core.verdicts import Judgement

NOW = 1_795_230_625.0
POLICY = Policy()
VIEW = DeploymentView()
HEALTHY = Judgement(verdict=Verdict.HEALTHY, reason="all well")
UNKNOWN = Judgement(verdict=Verdict.UNKNOWN, reason="not enough evidence")
UNHEALTHY = Judgement(verdict=Verdict.UNHEALTHY, reason="livy: bad", first_bad_at=NOW - 30, actionable=True)
SICK = Sight(
    managed_cluster=ManagedCluster(name="a", serving_generation=1), judged_from=NOW - 100_000, judgement=UNHEALTHY
)
NAME = incident_name("a", NOW - 30)
EARLIER = incident_name("a", NOW - 600)


def request(incident: str, attempt: int) -> OperationRequest:
    """As the monitor makes it."""
    return OperationRequest.from_dict(
        {
            "operation": f"{incident}-{attempt}",
            "kind": "failover",
            "reason": "unhealthy",
            "managed_cluster": "a",
            "incident": incident,
        }
    )


def operation(incident: str = EARLIER, attempt: int = 1, **values: Any) -> Operation:
    """As the machine writes down what it is asked for."""
    made = request(incident, attempt)
    return Operation(
        **{
            "id": made.operation,
            "request": made.to_json(),
            "managed_cluster": "a",
            "execution": f"arn:{made.operation}",
            "started_at": NOW - 500,
            **values,
        }
    )


def asked(sight: Sight, *others: Sight, view: DeploymentView = VIEW) -> OperationRequest | None:
    return decide(sight, others, view, now=NOW, policy=POLICY)[1]


def leased(name: str = "a", by: str = "a-upgrade") -> ManagedCluster:
    lease = Lease(execution=f"arn:{by}", operation=by, since=NOW - 10)
    return ManagedCluster(name=name, serving_generation=1, lease=lease)


def test_it_asks_for_the_very_operation_that_the_monitor_would_start() -> None:
    """The same name and the same text: whoever comes second has started nothing."""
    assert asked(SICK) == request(NAME, 1)


def test_the_machine_takes_it_for_the_products_own() -> None:
    """So its second look, its limits and the count of automatic failovers hold, as they do not for a person's."""
    found = asked(SICK)

    assert found is not None
    assert is_the_products(found.to_dict(), execution_name=found.operation)


@pytest.mark.parametrize("judgement", [HEALTHY, UNKNOWN, replace(UNHEALTHY, actionable=False)])
def test_what_asks_for_no_operation_of_the_monitor_asks_for_none_of_it(judgement: Judgement) -> None:
    assert asked(replace(SICK, judgement=judgement)) is None


def test_nothing_is_asked_for_while_an_operation_works_on_the_managed_cluster() -> None:
    sight = replace(SICK, managed_cluster=leased(), running={"arn:a-upgrade"})

    response, found = decide(sight, (), VIEW, now=NOW, policy=POLICY)

    assert (found, response.action) == (None, Action.NOTHING)
    assert "another operation holds the lease" in response.reason


def test_a_lease_whose_execution_has_ended_holds_up_nobody() -> None:
    assert asked(replace(SICK, managed_cluster=leased())) is not None


def test_the_launch_of_a_standby_gives_way() -> None:
    standby = "a-standby-20261121t030000"

    assert asked(replace(SICK, managed_cluster=leased(by=standby), running={f"arn:{standby}"})) is not None


def test_one_managed_cluster_at_a_time() -> None:
    other = replace(SICK, managed_cluster=leased("b", "b-1"), running={"arn:b-1"})

    response, found = decide(SICK, (other,), VIEW, now=NOW, policy=POLICY)

    assert (found, response.restraint) == (None, Restraint.TURN)
    assert "b-1 works on managed cluster b" in response.reason


@pytest.mark.parametrize(
    ("view", "restraint"),
    [
        (DeploymentView(controls=Controls(paused=True, paused_because="maintenance")), Restraint.PAUSED),
        (DeploymentView(automatic_failovers=(NOW - 300, NOW - 200)), Restraint.BLOCKED),
        (DeploymentView(automatic_launches=(NOW - 9000,) * POLICY.launches_per_day), Restraint.BUDGET),
    ],
)
def test_what_keeps_the_monitor_back_keeps_it_back(view: DeploymentView, restraint: Restraint) -> None:
    response, found = decide(SICK, (), view, now=NOW, policy=POLICY)

    assert (found, response.restraint) == (None, restraint)


def test_an_operation_that_runs_is_waited_for() -> None:
    """Though its lease is not in the record yet."""
    sight = replace(SICK, operations=[operation(NAME)], running={f"arn:{NAME}-1"})

    assert asked(sight) is None


def test_a_failed_operation_is_followed_by_the_next_attempt_at_its_incident() -> None:
    """The evidence has moved on, and the incident keeps its name."""
    assert asked(replace(SICK, operations=[operation(outcome=Outcome.FAILED)])) == request(EARLIER, 2)


def test_an_operation_that_broke_off_is_followed_likewise() -> None:
    assert asked(replace(SICK, operations=[operation()])) == request(EARLIER, 2)


def test_the_next_attempt_waits_a_while() -> None:
    young = operation(outcome=Outcome.FAILED, started_at=NOW - RETRY_SECONDS + 1)

    assert asked(replace(SICK, operations=[young])) is None


def test_attempts_are_bounded_though_nobody_counts_them() -> None:
    failed = [
        operation(attempt=number, outcome=Outcome.FAILED, started_at=NOW - 3000 + number * 200)
        for number in range(1, MAXIMUM_ATTEMPTS + 1)
    ]

    response, found = decide(replace(SICK, operations=failed), (), VIEW, now=NOW, policy=POLICY)

    assert (found, response.action) == (None, Action.GIVE_UP)


@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.FAILED_OVER, Outcome.REPAIRED])
def test_what_an_operation_mended_or_called_off_is_over(outcome: Outcome) -> None:
    assert asked(replace(SICK, operations=[operation(outcome=outcome)])) == request(NAME, 1)


@pytest.mark.parametrize(
    "values",
    [{"started_at": NOW - POLICY.block_window_seconds - 1}, {"started_at": None}],
)
def test_old_attempts_do_not_count(values: Mapping[str, Any]) -> None:
    sight = replace(SICK, operations=[operation(outcome=Outcome.FAILED, **values)])

    assert open_incident(sight, now=NOW, policy=POLICY) is None


def test_attempts_at_what_served_before_do_not_count() -> None:
    sight = replace(SICK, judged_from=NOW - 400, operations=[operation(outcome=Outcome.FAILED)])

    assert asked(sight) == request(NAME, 1)


def test_what_others_asked_for_is_no_attempt() -> None:
    upgrade = {"operation": "a-upgrade", "kind": "switchover", "reason": "upgrade", "managed_cluster": "a"}
    made = OperationRequest.from_dict(upgrade)
    failed = replace(operation(outcome=Outcome.FAILED), id="a-upgrade", request=made.to_json())

    assert open_incident(replace(SICK, operations=[failed]), now=NOW, policy=POLICY) is None


def written(state: IncidentState = IncidentState.OPEN, attempts: int = 1) -> Incident:
    """By the monitor."""
    return Incident(
        managed_cluster="a", incident=EARLIER, state=state, since=NOW - 590, first_bad_at=NOW - 600, attempts=attempts
    )


def test_an_incident_that_the_monitor_opened_is_gone_on_with() -> None:
    sight = replace(SICK, incident=written(), operations=[operation(outcome=Outcome.FAILED)])

    assert asked(sight) == request(EARLIER, 2)


def test_attempts_that_the_monitor_did_not_count_are_counted() -> None:
    failed = [operation(attempt=number, outcome=Outcome.FAILED) for number in (1, 2)]

    found = open_incident(replace(SICK, incident=written(), operations=failed), now=NOW, policy=POLICY)

    assert found is not None and found.attempts == 2


def test_the_start_that_a_dead_monitor_owed_is_made() -> None:
    assert asked(replace(SICK, incident=written())) == request(EARLIER, 1)


def test_an_incident_that_the_monitor_closed_is_over() -> None:
    sight = replace(SICK, incident=written(IncidentState.CLOSED), operations=[operation(outcome=Outcome.FAILED)])

    assert asked(sight) == request(NAME, 1)


def test_an_incident_that_a_dead_monitor_did_not_close_is_over_all_the_same() -> None:
    sight = replace(SICK, incident=written(), operations=[operation(outcome=Outcome.FAILED_OVER)])

    assert asked(sight) == request(NAME, 1)


def test_nothing_is_asked_for_what_is_being_deleted() -> None:
    gone = ManagedCluster(name="a", serving_generation=1, tombstone=True)

    assert asked(replace(SICK, managed_cluster=gone)) is None
    assert asked(replace(SICK, managed_cluster=gone, incident=written())) is None


def test_ids_of_a_day_lie_between_two_bounds() -> None:
    first, last = operation_ids("a", now=NOW)

    assert first < f"{EARLIER}-1" < f"{NAME}-3" < last
    assert not first < f"{incident_name('a', NOW - 90_000)}-1" < last
    for other in ("a-b", "b", "a-standby"):
        assert not first <= f"{incident_name(other, NOW - 30)}-1" <= last


@pytest.mark.parametrize(("ago", "waits"), [(RETRY_SECONDS - 1, True), (RETRY_SECONDS, False)])
def test_after_a_call_off_it_waits_as_the_monitor_does(ago: float, waits: bool) -> None:
    """A12: whoever keeps it in mind, the record of the operation says so."""
    called_off = operation(outcome=Outcome.CANCELLED, entered={"Reassess": NOW - ago})

    assert (asked(replace(SICK, operations=(called_off,))) is None) is waits


def test_what_the_monitor_wrote_of_a_call_off_counts() -> None:
    written = Incident(
        managed_cluster="a",
        incident=EARLIER,
        state=IncidentState.CLOSED,
        since=NOW - 600,
        first_bad_at=NOW - 600,
        called_off_until=NOW + 1,
    )

    assert asked(replace(SICK, incident=written)) is None
    assert asked(replace(SICK, incident=replace(written, called_off_until=NOW))) == request(NAME, 1)
