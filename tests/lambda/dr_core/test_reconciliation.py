"""The record against reality, situation by situation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_core.comparison import CorrectionKind, Recorded
from dr_core.reconciliation import same_conditions
from dr_core.record import Incarnation, IncarnationState, Lease, ManagedCluster, Slot
from dr_core.routing import (
    header_conditions,
    id_conditions,
    unseeded_id_conditions,
    unused_header_conditions,
    unused_id_conditions,
)

from .reconciled import A1, A4, HEALTH, LEASE, NOW, RECORDED, RULES, begun, found, health, kinds, rules, with_a

YIELDING = Lease(execution="arn", operation="a-standby-20261121t031025", since=1)


def test_nothing_is_wrong_when_all_is_as_recorded() -> None:
    assert found() == []


# The slots of what serves.


def test_a_target_that_is_missing_in_a_slot_is_registered() -> None:
    """B6: after a deploy that replaced the group."""
    (correction,) = found(health=health(slot_1={}))

    assert (correction.kind, correction.target_group, correction.address, correction.port) == (
        CorrectionKind.REGISTER,
        "slot-1",
        "10.0.1.1",
        8998,
    )
    assert correction.sentence == "10.0.1.1 was no target of slot 1 of d-a-g1"


def test_a_target_that_drains_is_missing() -> None:
    """Somebody deregistered it."""
    assert kinds(found(health=health(slot_1={"10.0.1.1": "draining"}))) == [CorrectionKind.REGISTER]


def test_a_target_that_is_unhealthy_is_no_drift() -> None:
    """Its health is the monitor's to judge."""
    assert found(health=health(slot_1={"10.0.1.1": "unhealthy"})) == []


@pytest.mark.parametrize(("rule", "right"), [("id-1", id_conditions(1001)), ("header-1", header_conditions(1001))])
def test_a_rule_that_was_reset_is_set_again(rule: str, right: Any) -> None:
    """A12: else ids of live jobs answer 410, and their clients run them again."""
    (correction,) = found(rules={**RULES, rule: unused_id_conditions(1)})

    assert (correction.kind, correction.rule, correction.conditions) == (CorrectionKind.SET_RULE, rule, right)
    assert correction.sentence == f"a rule of slot 1 of d-a-g1 matched {unused_id_conditions(1)}"


def test_the_target_comes_before_the_rule() -> None:
    """A rule that leads to an empty group is answered 503."""
    wanted = found(health=health(slot_1={}), rules=rules(id_1=unused_id_conditions(1)))

    assert kinds(wanted) == [CorrectionKind.REGISTER, CorrectionKind.SET_RULE]


def test_a_stranger_in_a_slot_is_deregistered() -> None:
    """A12: ids lead to their owner alone."""
    (correction,) = found(health=health(slot_1={"10.0.1.1": "healthy", "10.9.9.9": "healthy"}))

    assert (correction.kind, correction.target_group, correction.address) == (
        CorrectionKind.DEREGISTER,
        "slot-1",
        "10.9.9.9",
    )
    assert correction.sentence == "10.9.9.9 was a target of slot 1 of d-a-g1"


def test_small_ids_lead_to_what_serves_unseeded() -> None:
    """Its ids are not of its range."""
    recorded = with_a(replace(A1, unseeded=True))
    (correction,) = found(recorded)

    assert (correction.rule, correction.conditions) == ("id-1", unseeded_id_conditions())
    assert found(recorded, rules=rules(id_1=unseeded_id_conditions())) == []


@pytest.mark.parametrize("holder", [replace(A1, primary_address=None), replace(A1, id_prefix=None)])
def test_what_is_not_known_of_an_incarnation_is_not_corrected(holder: Incarnation) -> None:
    """A record that was changed by hand."""
    wanted = found(with_a(holder), rules=rules(id_1=[], header_1=[]))

    assert [each for each in wanted if each.rule] == []


def test_a_holder_that_did_not_note_the_slot_down_is_left_alone() -> None:
    """The step that takes slots finishes what it began."""
    assert found(with_a(replace(A1, slot=None)), rules=rules(id_1=unused_id_conditions(1))) == []


def test_a_slot_of_an_incarnation_that_no_record_knows_is_left_alone() -> None:
    recorded = replace(RECORDED, slots=(*RECORDED.slots[:2], Slot(number=3, generation=99)))

    assert found(recorded, rules=rules(id_3=id_conditions(1099))) == []


# What nobody may touch.


@pytest.mark.parametrize("of_a", [{"lease": LEASE}, {"tombstone": True}])
def test_nothing_of_what_somebody_works_on_is_corrected(of_a: dict[str, Any]) -> None:
    """A14: whoever works on it leaves it in order."""
    left = replace(A1, generation=3, state=IncarnationState.ABANDONED, slot=None)
    wanted = found(
        with_a(A1, left, **of_a),
        health=health(slot_1={}, balanced={"10.0.2.2": "healthy"}, rm_a={}),
        rules=rules(id_1=[], id_3=[]),
    )

    assert wanted == []


def test_the_other_managed_cluster_is_corrected_meanwhile() -> None:
    assert kinds(found(with_a(A1, lease=LEASE), health=health(slot_2={}))) == [CorrectionKind.REGISTER]


@pytest.mark.parametrize(
    "unknown",
    [
        {"health": {}},
        {"rules": {}},
        {"health": {}, "rules": {}},
        {"health": {name: targets for name, targets in HEALTH.items() if name != "slot-1"}},
    ],
)
def test_what_could_not_be_read_leads_to_no_correction(unknown: dict[str, Any]) -> None:
    """An error of our own call says nothing about the world."""
    assert found(**unknown) == []


def test_nobody_is_taken_for_closed_or_unattended_who_is_not_known_to_be() -> None:
    going = replace(A1, generation=4, state=IncarnationState.RETIRING, slot=None, primary_address="10.0.3.4")

    assert found(with_a(A1, begun(), going), retiring=None) == []


# Free slots, and slots of what is gone.


@pytest.mark.parametrize(
    ("rule", "right"), [("id-3", unused_id_conditions(3)), ("header-3", unused_header_conditions(3))]
)
def test_a_rule_of_a_free_slot_leads_nowhere(rule: str, right: Any) -> None:
    """A12: an id that nobody owns answers 410, not 503 for ever."""
    (correction,) = found(rules={**RULES, rule: id_conditions(1000)})

    assert (correction.rule, correction.conditions) == (rule, right)
    assert correction.sentence == f"a rule of the free slot 3 matched {id_conditions(1000)}"


def test_a_free_slot_has_no_targets() -> None:
    """Whoever takes it next would share its ids with them."""
    (correction,) = found(health=health(slot_3={"10.9.9.9": "unhealthy"}))

    assert (correction.kind, correction.address) == (CorrectionKind.DEREGISTER, "10.9.9.9")


def test_a_free_slot_is_left_alone_while_any_operation_runs() -> None:
    """It may have been taken in this moment."""
    recorded = with_a(A1, lease=LEASE)

    assert found(recorded, health=health(slot_3={"10.9.9.9": "healthy"}), rules=rules(id_3=[])) == []


def test_a_slot_of_a_retired_incarnation_is_freed() -> None:
    """A14: a slot that nobody gives back would be missing in the next failover."""
    gone = begun(state=IncarnationState.RETIRED, slot=3)
    recorded = with_a(A1, gone, slots=(*RECORDED.slots[:2], Slot(number=3, generation=3)))
    (correction,) = found(recorded, rules=rules(id_3=id_conditions(1003)))

    assert (correction.kind, correction.slot, correction.generation) == (CorrectionKind.FREE_SLOT, 3, 3)
    assert correction.address == "10.0.3.3"
    assert correction.sentence == "slot 3 was held by d-a-g3, which is retired"


@pytest.mark.parametrize(("of_a", "freed"), [({"tombstone": True}, True), ({"tombstone": True, "lease": LEASE}, False)])
def test_a_slot_that_was_taken_after_a_delete_is_freed(of_a: dict[str, Any], freed: bool) -> None:
    """A14: by a step that stalled until everything was gone; not while somebody works."""
    gone = replace(A1, state=IncarnationState.RETIRED)
    wanted = found(with_a(gone, **of_a))

    assert (CorrectionKind.FREE_SLOT in kinds(wanted)) is freed


# What is on its way out.


def leaving(**changes: Any) -> Recorded:
    """Generation 1 serves no more: it drains, and 4 has taken over."""
    going = replace(A1, **{"state": IncarnationState.RETIRING, "serving_to": NOW - 1000, **changes})
    return with_a(
        going,
        A4,
        slots=(Slot(number=1, generation=1), Slot(number=2, generation=2), Slot(number=3, generation=4)),
        serving_generation=4,
    )


LEAVING: dict[str, Any] = {
    "health": health(
        balanced={"10.0.2.4": "healthy", "10.0.2.2": "healthy"},
        rm_a={"10.0.2.4": "healthy"},
        nn_a={"10.0.2.4": "healthy"},
        slot_3={"10.0.2.4": "healthy"},
    ),
    "rules": rules(id_3=id_conditions(1004), header_3=header_conditions(1004)),
    "retiring": [("a", 1)],
}


def test_what_drains_needs_nothing() -> None:
    assert found(leaving(), **LEAVING) == []


def test_ids_of_what_drains_lead_to_it() -> None:
    """A12: its clients read their results there."""
    wanted = found(leaving(), **{**LEAVING, "rules": {**LEAVING["rules"], "id-1": unused_id_conditions(1)}})

    assert [each.rule for each in wanted] == ["id-1"]


@pytest.mark.parametrize("changes", [{"fenced_at": 1.0}, {"terminate_requested_at": 1.0}])
def test_ids_of_what_is_being_fenced_are_left_alone(changes: dict[str, Any]) -> None:
    """Its retirement closes them."""
    wanted = found(leaving(**changes), **{**LEAVING, "rules": {**LEAVING["rules"], "id-1": unused_id_conditions(1)}})

    assert wanted == []


def test_ids_of_what_drains_are_left_alone_while_any_operation_runs() -> None:
    """It may give its slot up in this moment."""
    a, b = leaving().managed_clusters
    recorded = replace(leaving(), managed_clusters=(a, replace(b, lease=LEASE)))
    wanted = found(recorded, **{**LEAVING, "rules": {**LEAVING["rules"], "id-1": unused_id_conditions(1)}})

    assert wanted == []


@pytest.mark.parametrize("targets", [{}, {"10.0.2.4": "draining"}])
def test_ids_of_what_drains_are_left_alone_when_its_address_was_handed_on(targets: dict[str, str]) -> None:
    """A12: they would lead to a stranger."""
    reality = {"health": {**LEAVING["health"], "slot-1": targets}, "rules": {**LEAVING["rules"], "id-1": []}}

    assert found(leaving(primary_address="10.0.2.4"), **{**LEAVING, **reality}) == []


def test_an_address_that_was_handed_on_leaves_the_slot_of_its_old_owner() -> None:
    """A12: whoever has it now does not own those ids; they answer 503 until their owner is fenced."""
    targets = {**LEAVING["health"], "slot-1": {"10.0.2.4": "healthy"}}
    (correction,) = found(leaving(primary_address="10.0.2.4"), **{**LEAVING, "health": targets})

    assert (correction.kind, correction.target_group, correction.address) == (
        CorrectionKind.DEREGISTER,
        "slot-1",
        "10.0.2.4",
    )
    assert correction.sentence == "10.0.2.4 was a target of slot 1 of d-a-g1"


def test_what_serves_is_led_to_no_more_when_its_address_was_handed_on() -> None:
    """A12: its primary is dead, and a launch that was given up has its address."""
    heir = begun(state=IncarnationState.ABANDONED, primary_address=A1.primary_address)
    empty = health(slot_1={}, balanced={"10.0.2.2": "healthy"}, rm_a={}, nn_a={})

    assert found(with_a(A1, heir), health=empty) == []
    (correction,) = found(with_a(A1, heir), health={**empty, "slot-1": HEALTH["slot-1"]})
    assert (correction.kind, correction.target_group) == (CorrectionKind.DEREGISTER, "slot-1")


def test_addresses_that_nobody_knows_are_not_the_same() -> None:
    """A record that was changed by hand, and a launch that has no address yet."""
    launching = begun(state=IncarnationState.LAUNCHING, primary_address=None)

    assert found(with_a(replace(A1, primary_address=None), launching)) == []


# Groups of what serves.


@pytest.mark.parametrize(
    ("group", "port", "of"),
    [("rm-a", 8088, "ResourceManagers"), ("nn-a", 9870, "NameNodes"), ("balanced", 8998, "new jobs")],
)
def test_what_serves_is_a_target_of_each_of_its_groups(group: str, port: int, of: str) -> None:
    """A10: one address leads to it, whatever a deploy replaced."""
    (correction,) = found(
        health={**HEALTH, group: {address: "healthy" for address in HEALTH[group] if address != "10.0.1.1"}}
    )

    assert (correction.kind, correction.target_group, correction.address, correction.port) == (
        CorrectionKind.REGISTER,
        group,
        "10.0.1.1",
        port,
    )
    assert correction.sentence == f"10.0.1.1 was no target of the group of {of}, although d-a-g1 serves"


@pytest.mark.parametrize("changes", [{"isolated_at": 1.0}, {"terminate_requested_at": 1.0}, {"primary_address": None}])
def test_what_was_set_aside_is_not_put_back(changes: dict[str, Any]) -> None:
    """An operation did that on purpose."""
    recorded = with_a(replace(A1, **changes))

    assert [
        each
        for each in found(recorded, health=health(balanced={"10.0.2.2": "healthy"}, rm_a={}))
        if "balanced" in each.key
    ] == []


@pytest.mark.parametrize("group", ["balanced", "rm-a", "nn-a"])
def test_what_serves_no_more_is_taken_out(group: str) -> None:
    """New jobs would come to a cluster that ends."""
    targets = {**LEAVING["health"], group: {**LEAVING["health"][group], "10.0.1.1": "healthy"}}
    (correction,) = found(leaving(), **{**LEAVING, "health": targets})

    assert (correction.kind, correction.target_group, correction.address) == (
        CorrectionKind.DEREGISTER,
        group,
        "10.0.1.1",
    )
    assert correction.sentence.startswith("10.0.1.1 of d-a-g1, which is retiring, was in the group of ")


def test_nobody_is_taken_out_for_one_that_ends_itself() -> None:
    """A14: it answers for a while yet, and then nobody would."""
    targets = {**LEAVING["health"], "balanced": {**LEAVING["health"]["balanced"], "10.0.1.1": "healthy"}}
    a1, a4, b2 = leaving().incarnations
    recorded = replace(leaving(), incarnations=(a1, replace(a4, terminate_requested_at=1.0), b2))

    assert found(recorded, **{**LEAVING, "health": targets}) == []


@pytest.mark.parametrize("state", ["unhealthy", "initial"])
@pytest.mark.parametrize("group", ["rm-a", "balanced"])
def test_nobody_is_taken_out_who_would_leave_nobody_healthy(group: str, state: str) -> None:
    """A14: never fewer in service by our own act, also where another managed cluster is healthy in the group."""
    targets = {**LEAVING["health"][group], "10.0.2.4": state, "10.0.1.1": "healthy"}

    assert found(leaving(), **{**LEAVING, "health": {**LEAVING["health"], group: targets}}) == []


RETIRED = replace(A1, state=IncarnationState.RETIRED, slot=None)
FREE = (Slot(number=1), Slot(number=2, generation=2), Slot(number=3))
UNUSED = {"id_1": unused_id_conditions(1), "header_1": unused_header_conditions(1)}


@pytest.mark.parametrize("group", ["balanced", "rm-a", "nn-a"])
@pytest.mark.parametrize("of_a", [{"tombstone": True}, {"serving_generation": None}, {}])
def test_what_is_retired_is_in_no_group_whoever_serves(group: str, of_a: dict[str, Any]) -> None:
    """A14: a step that stalled put it there again; the VPC may give its address to anybody."""
    targets = health(slot_1={}, balanced={"10.0.2.2": "healthy"}, rm_a={}, nn_a={})
    targets[group] = {**targets[group], "10.0.1.1": "unhealthy"}
    (correction,) = found(with_a(RETIRED, slots=FREE, **of_a), health=targets, rules=rules(**UNUSED))

    assert (correction.kind, correction.target_group, correction.address) == (
        CorrectionKind.DEREGISTER,
        group,
        "10.0.1.1",
    )


def test_what_is_retired_is_left_to_whoever_works_on_its_managed_cluster() -> None:
    assert [each for each in found(with_a(RETIRED, slots=FREE, lease=LEASE)) if each.target_group == "balanced"] == []


def test_an_address_that_was_handed_on_stays_where_its_new_owner_needs_it() -> None:
    recorded = leaving(primary_address="10.0.2.4", state=IncarnationState.RETIRED, slot=None)
    recorded = replace(recorded, slots=(Slot(number=2, generation=2), Slot(number=3, generation=4)))

    assert found(recorded, **LEAVING) == []


def test_a_stranger_in_the_balanced_group_is_left_alone() -> None:
    """Whose it is nobody knows."""
    assert found(health=health(balanced={**HEALTH["balanced"], "10.9.9.9": "healthy"})) == []


def test_a_managed_cluster_of_another_version_of_the_deployment_is_passed_over() -> None:
    recorded = replace(
        RECORDED, managed_clusters=(*RECORDED.managed_clusters, ManagedCluster(name="z", serving_generation=1))
    )

    assert found(recorded) == []


def test_a_managed_cluster_of_which_nothing_serves_needs_nothing() -> None:
    recorded = Recorded(managed_clusters=(ManagedCluster(name="a"),), incarnations=(), slots=(), incidents=())

    assert found(recorded, health={}) == []


# What goes on while a person has paused the deployment.


@pytest.mark.parametrize(
    ("reality", "routes_ids"),
    [
        ({"health": health(slot_1={})}, True),
        ({"health": health(slot_1={**HEALTH["slot-1"], "10.9.9.9": "healthy"})}, True),
        ({"health": health(slot_3={"10.9.9.9": "healthy"})}, True),
        ({"rules": rules(id_1=[])}, True),
        ({"rules": rules(header_3=[])}, True),
        ({"health": health(rm_a={})}, False),
        ({"health": health(balanced={})}, False),
    ],
)
def test_ids_are_led_to_their_owner_by_slots_alone(reality: dict[str, Any], routes_ids: bool) -> None:
    """A12: clients poll while a person has paused the deployment."""
    wanted = found(**reality)

    assert {each.routes_ids for each in wanted} == {routes_ids}


# Conditions as they are read back.


def test_conditions_are_read_back_with_more_than_was_set() -> None:
    seen = [
        {
            "Field": "path-pattern",
            "PathPatternConfig": {
                "Values": [],
                "RegexValues": id_conditions(1001)[0]["PathPatternConfig"]["RegexValues"],
            },
        }
    ]

    assert same_conditions(id_conditions(1001), seen)


def test_conditions_may_come_in_another_order() -> None:
    first, second = header_conditions(1001)

    assert same_conditions([first, second], [second, first])


def test_values_in_the_old_form_count() -> None:
    """The form of rules that were made before there were configurations."""
    assert same_conditions(
        [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a", "/b"]}}],
        [{"Field": "path-pattern", "Values": ["/b", "/a"]}],
    )
    assert same_conditions(
        [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a"]}}],
        [{"Field": "path-pattern", "Values": ["/a"], "PathPatternConfig": {"Values": ["/a"]}}],
    )


@pytest.mark.parametrize(
    "seen",
    [
        id_conditions(1002),
        [],
        [*id_conditions(1001), *header_conditions(1001)],
        [
            {
                "Field": "path-pattern",
                "PathPatternConfig": {"Values": id_conditions(1001)[0]["PathPatternConfig"]["RegexValues"]},
            }
        ],
        [{"Field": "path-pattern"}],
        [{"Field": "host-header", "PathPatternConfig": id_conditions(1001)[0]["PathPatternConfig"]}],
    ],
)
def test_other_conditions_differ(seen: Any) -> None:
    assert not same_conditions(id_conditions(1001), seen)


def test_another_header_differs() -> None:
    other: Any = [
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Other", "Values": ["1001"]}},
        header_conditions(1001)[1],
    ]

    assert not same_conditions(header_conditions(1001), other)


def test_the_launch_of_a_standby_keeps_nobody_from_putting_right_what_serves() -> None:
    """It lasts ten minutes after each failover, and touches nothing in service."""
    drifted = health(slot_1={}, rm_a={})
    wanted = [each.target_group for each in found(with_a(A1, lease=YIELDING), health=drifted)]
    assert wanted == ["slot-1", "rm-a"]


def test_a_standby_in_the_balanced_group_is_taken_out() -> None:
    """New jobs go to what serves."""
    standby = replace(A4, state=IncarnationState.STANDBY)
    recorded = with_a(A1, standby)
    wanted = found(recorded, health=health(balanced={**HEALTH["balanced"], "10.0.2.4": "healthy"}))
    taken_out = [(each.kind, each.address) for each in wanted if each.target_group == "balanced"]
    assert taken_out == [(CorrectionKind.DEREGISTER, "10.0.2.4")]
