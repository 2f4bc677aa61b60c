"""Corrections, and what record and reality say of an incarnation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from dr_core.comparison import Reality, Recorded
from dr_core.record import Incarnation, IncarnationState, Lease, ManagedCluster

from .reconciled import A1, begun, found, health, rules, with_a


def test_a_correction_is_known_again() -> None:
    """The same thing is not told of every minute."""
    keys = {
        each.key
        for wanted in (
            found(health=health(slot_1={}, rm_a={})),
            found(rules=rules(id_1=[], header_1=[])),
            found(with_a(A1, begun()), closed_operations=["op3"]),
            found(with_a(A1, begun(state=IncarnationState.ABANDONED, created_at=1.0))),
        )
        for each in wanted
    }

    assert keys == {
        "register a target: slot-1/10.0.1.1: 1",
        "register a target: rm-a/10.0.1.1: 1",
        "set the conditions of a rule: id-1: 1",
        "set the conditions of a rule: header-1: 1",
        "give up a launch: slot -: 3",
        "start a retirement: slot -: 3",
    }


LEASE = Lease(execution="arn", operation="op", since=1.0)
YIELDS = Lease(execution="arn", operation="a-standby-20261129t031025", since=1.0)


def recorded(*incarnations: Incarnation, managed_clusters: Sequence[ManagedCluster] = ()) -> Recorded:
    return Recorded(managed_clusters=managed_clusters, incarnations=incarnations, slots=(), incidents=())


def test_somebody_works_on_what_has_a_lease_or_is_being_deleted() -> None:
    """The launch of a standby changes nothing of the service."""
    every = recorded(
        managed_clusters=[
            ManagedCluster(name="free"),
            ManagedCluster(name="leased", lease=LEASE),
            ManagedCluster(name="deleted", tombstone=True),
            ManagedCluster(name="yields", lease=YIELDS),
        ]
    )

    assert YIELDS.yields and not LEASE.yields
    assert every.busy == {"leased", "deleted", "yields"}
    assert every.changing == {"leased", "deleted"}


def serving(generation: int, **values: Any) -> Incarnation:
    known = {"managed_cluster": "a", "state": IncarnationState.SERVING, "primary_address": "10.0.0.1", **values}
    return Incarnation(generation=generation, **known)


@pytest.mark.parametrize(
    ("rule", "incarnations", "state", "well"),
    [
        ("it serves, and is healthy", [serving(1)], "healthy", True),
        ("it is not healthy", [serving(1)], "unhealthy", False),
        ("another managed cluster is", [serving(1, managed_cluster="b")], "healthy", False),
        ("it does not serve", [serving(1, state=IncarnationState.RETIRING)], "healthy", False),
        ("its end was requested", [serving(1, terminate_requested_at=1.0)], "healthy", False),
        ("it has no address", [serving(1, primary_address=None)], "healthy", False),
        ("a younger one has its address", [serving(1), serving(2, managed_cluster="b")], "healthy", False),
        ("one of two does", [serving(1, primary_address="10.0.0.2"), serving(2)], "healthy", True),
    ],
)
def test_something_serves_well_if(rule: str, incarnations: list[Incarnation], state: str, well: bool) -> None:
    """A14: whoever rests on it may take something else out of service."""
    reality = Reality(health={"balanced": {"10.0.0.1": state}}, rules={})

    assert reality.serves_well("a", "balanced", recorded(*incarnations)) is well, rule
    assert not reality.serves_well("a", "unread", recorded(*incarnations))


def test_who_leaves_a_group_is_no_member_of_it() -> None:
    reality = Reality(
        health={"balanced": {"10.0.0.1": "healthy", "10.0.0.2": "draining", "10.0.0.3": "unused"}}, rules={}
    )

    assert reality.members("balanced") == {"10.0.0.1", "10.0.0.3"}
    assert reality.members("unread") is None


def test_what_is_in_service_is_what_the_managed_cluster_names_unless_it_ends() -> None:
    """A14."""
    a = ManagedCluster(name="a", serving_generation=2)

    assert recorded(serving(1), serving(2)).in_service(a) == serving(2)
    assert recorded(serving(1)).in_service(a) is None
    assert recorded(serving(2, terminate_requested_at=1.0)).in_service(a) is None
