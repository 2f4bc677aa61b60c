"""What nobody works on any more: launches, retirements and what was isolated."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_core.comparison import CorrectionKind
from dr_core.left_behind import GRACE_SECONDS, doubtful_operations
from dr_core.naming import standby_operation
from dr_core.record import Incarnation, IncarnationState, Incident, IncidentState

from .reconciled import A1, HEALTH, LEASE, NOW, begun, found, health, kinds, with_a


@pytest.mark.parametrize("state", [IncarnationState.LAUNCHING, IncarnationState.VERIFYING])
def test_a_launch_whose_operation_has_ended_is_given_up(state: IncarnationState) -> None:
    """A cluster that nobody waits for costs money."""
    (correction,) = found(with_a(A1, begun(state=state)), closed_operations=["op3"])

    assert (correction.kind, correction.generation) == (CorrectionKind.GIVE_UP, 3)
    assert correction.sentence == f"d-a-g3 is {state}, and its operation op3 has ended"
    assert not correction.routes_ids


def test_a_launch_whose_operation_runs_is_left_alone() -> None:
    assert found(with_a(A1, begun()), closed_operations=["op4"]) == []


def test_a_launch_that_gets_jobs_already_is_the_next_operations() -> None:
    """While what serves is sick, one comes."""
    targets = {**HEALTH["balanced"], str(A1.primary_address): "unhealthy", "10.0.3.3": "healthy"}

    assert found(with_a(A1, begun()), closed_operations=["op3"], health=health(balanced=targets)) == []
    assert found(with_a(A1, begun()), closed_operations=["op3"], health={}) == []


@pytest.mark.parametrize(("state", "kept"), [(IncarnationState.VERIFYING, True), (IncarnationState.LAUNCHING, False)])
def test_what_was_proved_is_kept_where_what_serves_is_being_ended(state: IncarnationState, kept: bool) -> None:
    """A14: it is all that its managed cluster has left, in the balanced group or not yet; the next failover has it."""
    recorded = with_a(replace(A1, terminate_requested_at=1.0), begun(state=state))

    assert (CorrectionKind.GIVE_UP in kinds(found(recorded, closed_operations=["op3"]))) is not kept


def test_a_launch_that_gets_jobs_beside_a_healthy_one_is_given_up() -> None:
    """No operation comes that would finish its cut-over: two would serve for ever."""
    targets = {**HEALTH["balanced"], "10.0.3.3": "healthy"}
    corrections = found(with_a(A1, begun()), closed_operations=["op3"], health=health(balanced=targets))

    assert [(each.kind, each.generation) for each in corrections] == [(CorrectionKind.GIVE_UP, 3)]


@pytest.mark.parametrize(
    "changes",
    [{"terminate_requested_at": 1.0}, {"primary_address": "10.0.3.3"}, {"state": IncarnationState.RETIRING}],
    ids=str,
)
def test_a_launch_that_gets_jobs_is_kept_where_nobody_else_can_rest_on(changes: dict[str, Any]) -> None:
    """A14: what was fenced answers for a while yet, and a handed-on address answers for the new one."""
    targets = {**HEALTH["balanced"], "10.0.3.3": "healthy"}
    recorded = with_a(replace(A1, **changes), begun())
    wanted = found(recorded, closed_operations=["op3"], health=health(balanced=targets), retiring=[("a", 1)])

    assert CorrectionKind.GIVE_UP not in kinds(wanted)


@pytest.mark.parametrize(
    ("state", "changes", "planned"),
    [
        (IncarnationState.RETIRING, {"serving_from": 1.0}, True),
        (IncarnationState.RETIRING, {"serving_from": 1.0, "terminate_requested_at": 1.0}, False),
        (IncarnationState.ABANDONED, {}, False),
    ],
)
def test_what_goes_has_a_retirement(state: IncarnationState, changes: dict[str, Any], planned: bool) -> None:
    """B11: whatever ended its execution, an old cluster comes to its end."""
    going = begun(state=state, created_at=NOW - GRACE_SECONDS, **changes)
    (correction,) = found(with_a(A1, going))

    assert (correction.kind, correction.generation, correction.planned) == (CorrectionKind.RETIRE, 3, planned)
    assert correction.sentence == f"d-a-g3 is {state}, and no retirement of it runs"
    assert not correction.routes_ids


def test_a_retirement_that_runs_is_enough() -> None:
    going = begun(state=IncarnationState.RETIRING, created_at=1.0)

    assert found(with_a(A1, going), retiring=[("a", 3)]) == []
    assert kinds(found(with_a(A1, going), retiring=[("b", 3), ("a", 4)])) == [CorrectionKind.RETIRE]


def test_whoever_ended_its_service_may_start_the_retirement_first() -> None:
    """It knows better whether jobs may end their work."""
    going = begun(state=IncarnationState.RETIRING, created_at=1.0, serving_to=NOW - GRACE_SECONDS + 1)

    assert found(with_a(A1, going)) == []
    assert kinds(found(with_a(A1, going), now=NOW + 1)) == [CorrectionKind.RETIRE]


def test_what_is_retired_needs_nothing() -> None:
    assert found(with_a(A1, begun(state=IncarnationState.RETIRED, created_at=None))) == []


def test_an_age_that_nobody_wrote_down_is_great() -> None:
    assert kinds(found(with_a(A1, begun(state=IncarnationState.ABANDONED, created_at=None)))) == [CorrectionKind.RETIRE]


def test_only_operations_of_what_was_begun_are_doubted() -> None:
    """Each of them costs a call."""
    recorded = with_a(
        A1, begun(), begun(generation=5, operation=None), begun(generation=6, managed_cluster="b", operation="op6")
    )

    assert doubtful_operations(recorded) == {"op3", "op6"}
    assert doubtful_operations(replace(recorded, managed_clusters=with_a(lease=LEASE).managed_clusters)) == {"op6"}


# What was isolated.


def isolated(*others: Incarnation, state: IncidentState | None = None, **changes: Any) -> Any:
    """A record in which generation 1 was isolated, and the latest incident of ``a`` is in *state*."""
    recorded = with_a(replace(A1, **{"isolated_at": NOW - GRACE_SECONDS, **changes}), *others)
    if state is None:
        return recorded
    incident = Incident(managed_cluster="a", incident="a-1", state=state, since=1, first_bad_at=1)
    return replace(recorded, incidents=(incident,))


def leased(recorded: Any, operation: str) -> Any:
    """*recorded*, in which *operation* works on ``a``."""
    a, b = recorded.managed_clusters
    return replace(recorded, managed_clusters=(replace(a, lease=replace(LEASE, operation=operation)), b))


def mended(recorded: Any) -> Any:
    """*recorded*, in which the first attempt at the incident ``a-1`` works on ``a``."""
    return leased(recorded, "a-1-1")


OUT = health(balanced={"10.0.2.2": "healthy"})


@pytest.mark.parametrize("state", [None, IncidentState.CLOSED])
def test_what_was_isolated_is_given_back_when_nobody_does(state: IncidentState | None) -> None:
    """A10: the operation that isolated it was interrupted, and so was whoever tidies up."""
    (correction,) = found(isolated(state=state), health=OUT, well=[1])

    assert (correction.kind, correction.generation) == (CorrectionKind.GIVE_BACK, 1)
    assert correction.sentence == (
        "d-a-g1 was kept from new jobs, though it is well again, no incident is open and no failover runs"
    )
    assert correction.key == "give an isolated incarnation new jobs again: slot -: 1"
    assert not correction.routes_ids


@pytest.mark.parametrize("state", [None, IncidentState.CLOSED])
def test_what_is_not_known_to_be_well_stays_out_while_another_one_serves(state: IncidentState | None) -> None:
    """A2, A12: its incident is closed when its failover was called off because nobody could tell any more."""
    assert found(isolated(state=state), health=OUT) == []


@pytest.mark.parametrize(
    "recorded",
    [
        isolated(state=IncidentState.OPEN),
        isolated(isolated_at=None),
        isolated(isolated_at=NOW - GRACE_SECONDS + 1),
        isolated(terminate_requested_at=1.0),
        isolated(primary_address=None),
        isolated(begun(state=IncarnationState.ABANDONED, primary_address="10.0.1.1")),
        mended(isolated(state=IncidentState.CLOSED)),
        with_a(replace(A1, isolated_at=1.0), tombstone=True),
        with_a(replace(A1, isolated_at=1.0), serving_generation=None),
    ],
    ids=[
        "an incident is open",
        "not isolated",
        "a moment ago",
        "its end was requested",
        "no address",
        "its address was handed on",
        "its failover runs",
        "it is being deleted",
        "it does not serve",
    ],
)
def test_what_is_isolated_for_a_reason_is_not_given_back(recorded: Any) -> None:
    """A14: what is sick gets no new jobs."""
    targets = health(balanced={"10.0.2.2": "healthy"}, slot_1={}, rm_a={}, nn_a={})

    assert CorrectionKind.GIVE_BACK not in kinds(found(recorded, health=targets, well=[1]))


@pytest.mark.parametrize("state", [None, IncidentState.CLOSED])
def test_what_is_well_again_is_given_back_though_a_planned_operation_works_on_it(state: IncidentState | None) -> None:
    """A14: never fewer healthy in service than before: that operation may take an hour, and fail."""
    assert kinds(found(leased(isolated(state=state), "a-upgrade-1"), health=OUT, well=[1])) == [
        CorrectionKind.GIVE_BACK
    ]


def test_what_is_sick_stays_out_though_a_planned_operation_works_on_it() -> None:
    assert found(leased(isolated(state=IncidentState.OPEN), "a-upgrade-1"), health=OUT) == []


def test_an_incident_of_another_managed_cluster_keeps_nobody_out() -> None:
    incident = Incident(managed_cluster="b", incident="b-1", state=IncidentState.OPEN, since=1, first_bad_at=1)

    assert kinds(found(replace(isolated(), incidents=(incident,)), health=OUT, well=[1])) == [CorrectionKind.GIVE_BACK]


def test_all_that_is_left_is_given_back_though_it_is_sick() -> None:
    """A14: never zero by our own act; whatever works on it, and at once."""
    recorded = isolated(state=IncidentState.OPEN, isolated_at=NOW)
    dead = health(balanced={"10.0.2.2": "unhealthy"})

    (correction,) = found(recorded, health=dead)

    assert (correction.kind, correction.generation) == (CorrectionKind.GIVE_BACK, 1)
    assert correction.sentence == "d-a-g1 was kept from new jobs, though nobody else is healthy any more"


def both_sick(**changes: Any) -> Any:
    """A record in which ``a`` is isolated, and ``b``, which gets all new jobs, is called unhealthy as well."""
    recorded = isolated(state=IncidentState.OPEN)
    incident = Incident(managed_cluster="b", incident="b-1", state=IncidentState.OPEN, since=1, first_bad_at=1)
    return replace(recorded, incidents=(*recorded.incidents, replace(incident, **changes)))


def test_what_is_well_again_is_given_back_while_whoever_serves_is_sick() -> None:
    """A14: its own failover may wait an hour for a launch, and all new jobs go to what is sick meanwhile."""
    (correction,) = found(mended(both_sick()), health=OUT, well=[1])

    assert (correction.kind, correction.generation) == (CorrectionKind.GIVE_BACK, 1)
    assert correction.sentence == (
        "d-a-g1 was kept from new jobs, though it is well again, and whoever serves is unhealthy"
    )


@pytest.mark.parametrize(
    ("recorded", "well"),
    [
        (mended(both_sick()), []),
        (mended(isolated(state=IncidentState.OPEN)), [1]),
        (mended(both_sick(state=IncidentState.CLOSED)), [1]),
    ],
    ids=["it is sick still", "the other one is well", "the other one is well again"],
)
def test_whoever_serves_well_goes_on_alone(recorded: Any, well: list[int]) -> None:
    """A14: the failover decides then."""
    assert found(recorded, health=OUT, well=well) == []


def test_that_nobody_else_is_healthy_has_to_be_known() -> None:
    assert found(isolated(state=IncidentState.OPEN), health={}) == []


def test_what_is_being_deleted_gets_no_new_jobs() -> None:
    recorded = with_a(replace(A1, isolated_at=1.0), tombstone=True)

    assert CorrectionKind.GIVE_BACK not in kinds(found(recorded, health=health(balanced={})))


# What is sick and is not replaced.


def sick(**changes: Any) -> Any:
    """A record in which ``a`` has been unhealthy for a while and nothing works on it."""
    incident = Incident(
        managed_cluster="a", incident="a-1", state=IncidentState.OPEN, since=NOW - GRACE_SECONDS, first_bad_at=1
    )
    return replace(with_a(A1), incidents=(replace(incident, **changes),))


def standby_launch(recorded: Any) -> Any:
    """*recorded*, in which an operation works on ``a`` that gives way to a failover."""
    return leased(recorded, standby_operation("a", NOW))


@pytest.mark.parametrize("since", [NOW - GRACE_SECONDS, NOW])
def test_what_is_sick_is_isolated_at_once_while_a_planned_operation_works_on_it(since: float) -> None:
    """A2: a deploy that replaces it may take 45 minutes, and no failover begins before its end."""
    wanted = found(leased(sick(since=since), "a-upgrade-1"))

    assert [(each.kind, each.generation) for each in wanted] == [(CorrectionKind.ISOLATE, 1)]


def test_the_launch_of_a_standby_does_not_keep_what_is_sick_in_service() -> None:
    assert kinds(found(standby_launch(sick()))) == [CorrectionKind.ISOLATE]


def test_what_is_sick_and_not_replaced_is_isolated_while_another_serves() -> None:
    """A2: the block, the budget or three failed attempts keep every operation back."""
    (correction,) = found(sick())

    assert (correction.kind, correction.generation) == (CorrectionKind.ISOLATE, 1)
    assert correction.sentence == "d-a-g1 is unhealthy and got new jobs, though another managed cluster serves"
    assert not correction.routes_ids


@pytest.mark.parametrize(
    ("why", "recorded", "targets"),
    [
        ("the incident is closed", sick(state=IncidentState.CLOSED), {}),
        ("an operation may begin yet", sick(since=NOW - GRACE_SECONDS + 1), {}),
        ("the other one is sick too", sick(), {"10.0.2.2": "unhealthy"}),
        ("nobody else is there", sick(), {"10.0.2.2": None}),
        ("it gets none already", sick(), {"10.0.1.1": None}),
        ("an operation may begin yet instead of a standby's", standby_launch(sick(since=NOW - GRACE_SECONDS + 1)), {}),
        ("it is being deleted", replace(sick(), managed_clusters=with_a(tombstone=True).managed_clusters), {}),
    ],
)
def test_what_is_sick_is_not_isolated_when(why: str, recorded: Any, targets: dict[str, str | None]) -> None:
    balanced = {name: state for name, state in {**HEALTH["balanced"], **targets}.items() if state is not None}

    assert CorrectionKind.ISOLATE not in kinds(found(recorded, health=health(balanced=balanced))), why


@pytest.mark.parametrize(("ago", "wanted"), [(GRACE_SECONDS - 1, []), (GRACE_SECONDS, [CorrectionKind.ISOLATE])])
def test_what_is_sick_again_is_isolated_though_its_failover_launches(ago: float, wanted: list[CorrectionKind]) -> None:
    """A10: it was given back since that failover isolated it, and the state that does so is long past."""
    recorded = mended(sick())
    a, b = recorded.managed_clusters
    lease = replace(LEASE, operation="a-1-1", since=NOW - ago)

    assert kinds(found(replace(recorded, managed_clusters=(replace(a, lease=lease), b)))) == wanted
