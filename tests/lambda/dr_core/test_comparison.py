"""Corrections, and what record and reality say of an incarnation."""

from __future__ import annotations

from dr_core.record import IncarnationState

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
