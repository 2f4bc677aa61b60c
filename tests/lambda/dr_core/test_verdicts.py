"""A11, A14: from evidence to a verdict.

A row of looks reads from left to right, oldest first, one character a round of 10 s, the last one *now*:
``+`` healthy, ``-`` unhealthy, ``?`` nothing can be said, ``!`` the control failed too, a dot no look at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dr_core.config import Policy
from dr_core.evidence import LOAD_BALANCER, Evidence, Reading, Service, Verdict, healthy, unhealthy, unknown
from dr_core.verdicts import (
    Judgement,
    Termination,
    consider_termination,
    is_confirmed,
    judge,
    looked_at_since,
    termination_unknown,
)

NOW = 1_000_000.0
POLICY = Policy()  # 3 of 4 rounds of 10 s, two vantage points
A, B, C, LB = "prober:a", "prober:b", "prober:c", LOAD_BALANCER

READINGS: dict[str, Reading] = {
    "+": healthy("fine"),
    "-": unhealthy("connection refused"),
    "?": unknown("could not ask"),
    "!": unhealthy("no whole answer within 3 s"),
}


def looks(rows: Mapping[str, str], *, service: Service = Service.LIVY, phase: float = 0.0) -> list[Evidence]:
    """Evidence of *rows*; services other than *service* are healthy in every look."""
    found = []
    for observer, row in rows.items():
        for age, sign in enumerate(reversed(row)):
            if sign == ".":
                continue
            found.append(
                Evidence(
                    incarnation="g000001",
                    observer=observer,
                    observed_at=NOW - phase - age * POLICY.round_seconds,
                    services={each: READINGS["+"] for each in Service} | {service: READINGS[sign]},
                    front_door=sign != "!",
                )
            )
    return found


def verdict(rows: Mapping[str, str], *, phase: float = 0.0) -> Verdict:
    return judge(looks(rows, phase=phase), now=NOW, policy=POLICY).verdict


@pytest.mark.parametrize(
    ("rule", "rows", "expected"),
    [
        # who has to agree
        ("all see it well", {A: "++++", B: "++++", C: "++++", LB: "++++"}, Verdict.HEALTHY),
        ("two vantage points are enough to be healthy", {A: "++++", B: "++++"}, Verdict.HEALTHY),
        ("and enough to be unhealthy", {A: "----", B: "----"}, Verdict.UNHEALTHY),
        ("a prober and the load balancer are two", {A: "----", LB: "----"}, Verdict.UNHEALTHY),
        ("a prober and the load balancer are two for health", {A: "++++", LB: "++++"}, Verdict.HEALTHY),
        ("one alone never decides", {A: "----"}, Verdict.UNKNOWN),
        ("one against the others never decides", {A: "----", B: "++++"}, Verdict.UNKNOWN),
        ("one bad voice does not outweigh two good ones", {A: "----", B: "++++", C: "++++"}, Verdict.HEALTHY),
        ("one good voice does not outweigh two bad ones", {A: "----", B: "----", C: "++++"}, Verdict.UNHEALTHY),
        (
            "two against two: somebody stands at the wrong place",
            {A: "----", B: "----", C: "++++", LB: "++++"},
            Verdict.UNKNOWN,
        ),
        ("nobody looks", {}, Verdict.UNKNOWN),
        # how often
        ("three of four rounds", {A: "+---", B: "+---"}, Verdict.UNHEALTHY),
        ("two rounds are not enough", {A: "++--", B: "++--"}, Verdict.UNKNOWN),
        ("a single failed check does nothing", {A: "+++-", B: "++++", C: "++++"}, Verdict.HEALTHY),
        ("not all need to have seen it equally often", {A: "----", B: "+---"}, Verdict.UNHEALTHY),
        ("each needs three rounds of its own", {A: "----", B: "++--"}, Verdict.UNKNOWN),
        ("one good look among bad ones", {A: "--+-", B: "-+--"}, Verdict.UNHEALTHY),
        ("whoever sees the end of the fault does not speak for it", {A: "---+", B: "---+"}, Verdict.UNKNOWN),
        ("one who sees its end is enough to miss", {A: "----", B: "---+"}, Verdict.UNKNOWN),
        (
            "two who see it well now, one of them a prober, speak against it before they have three good looks",
            {A: "----", B: "----", C: "---+", LB: "---+"},
            Verdict.UNKNOWN,
        ),
        ("one of them is too few", {A: "----", B: "----", C: "---+", LB: "---?"}, Verdict.UNHEALTHY),
        ("every second look is no voice", {A: "+-+-", B: "+-+-"}, Verdict.UNKNOWN),
        ("older rounds do not count", {A: "--++-", B: "--++-"}, Verdict.UNKNOWN),
        (
            "whoever begins to see the fault does not speak against it",
            {A: "+---", B: "+---", C: "+++-", LB: "+++-"},
            Verdict.UNHEALTHY,
        ),
        ("three good rounds are healthy again", {A: "-+++", B: "-+++"}, Verdict.HEALTHY),
        ("two good rounds are not", {A: "--++", B: "--++"}, Verdict.UNKNOWN),
        # unknown never leads to an action
        ("an error of our own call", {A: "????", B: "----"}, Verdict.UNKNOWN),
        ("takes a place among the last four", {A: "--??", B: "----"}, Verdict.UNKNOWN),
        ("but not more", {A: "---?", B: "----"}, Verdict.UNHEALTHY),
        ("a prober that does not reach the front door says nothing", {A: "!!!!", B: "----"}, Verdict.UNKNOWN),
        ("all probers cut off, the load balancer alone", {A: "!!!!", B: "!!!!", LB: "----"}, Verdict.UNKNOWN),
        ("a dead zone does not blind the others", {A: "!!!!", B: "----", C: "----"}, Verdict.UNHEALTHY),
        # silence
        ("too few rounds yet", {A: "--", B: "--"}, Verdict.UNKNOWN),
        ("three rounds are enough", {A: "---", B: "---"}, Verdict.UNHEALTHY),
        ("a late round", {A: "----.", B: "----."}, Verdict.UNHEALTHY),
        ("two late rounds", {A: "---..", B: "---.."}, Verdict.UNHEALTHY),
        ("an observer that fell silent has no voice", {A: "---...", B: "----"}, Verdict.UNKNOWN),
        ("a round left out", {A: "--.-", B: "-.--"}, Verdict.UNHEALTHY),
        ("what is older than four rounds and one for drift", {A: "-..--", B: "----"}, Verdict.UNHEALTHY),
        ("does not count", {A: "-...--.", B: "----"}, Verdict.UNKNOWN),
    ],
)
def test_the_verdict_when(rule: str, rows: dict[str, str], expected: Verdict) -> None:
    assert verdict(rows) is expected, rule


def test_the_load_balancer_alone_is_no_prober() -> None:
    """Two must agree, one of them a prober."""
    assert verdict({LB: "----", "another-load-balancer": "----"}) is Verdict.UNKNOWN
    assert verdict({LB: "++++", "another-load-balancer": "++++"}) is Verdict.UNKNOWN


@pytest.mark.parametrize("service", Service)
def test_one_bad_service_makes_the_incarnation_unhealthy(service: Service) -> None:
    judgement = judge(looks({A: "+---", B: "+---"}, service=service), now=NOW, policy=POLICY)

    assert judgement.verdict is Verdict.UNHEALTHY
    assert judgement.bad_services == {service}
    assert judgement.good_services == set(Service) - {service}


def test_services_are_good_whether_or_not_the_others_are_known() -> None:
    judgement = judge(looks({A: "++--", B: "++--"}, service=Service.LIVY), now=NOW, policy=POLICY)

    assert judgement.verdict is Verdict.UNKNOWN
    assert judgement.good_services == {Service.RESOURCE_MANAGER, Service.NAME_NODE}


def test_vantage_points_must_agree_on_the_same_service() -> None:
    evidence = looks({A: "----"}, service=Service.LIVY) + looks({B: "----"}, service=Service.NAME_NODE)

    assert judge(evidence, now=NOW, policy=POLICY).verdict is Verdict.UNKNOWN


def test_several_bad_services_are_all_named() -> None:
    dead = [replace(each, services=dict.fromkeys(Service, READINGS["-"])) for each in looks({A: "---", B: "---"})]

    judgement = judge(dead, now=NOW, policy=POLICY)

    assert judgement.bad_services == set(Service)
    assert [sentence.split(":")[0] for sentence in judgement.reason.split("; ")] == [str(each) for each in Service]


def test_a_service_that_nobody_looks_at_keeps_the_verdict_open() -> None:
    evidence = [replace(each, services={Service.LIVY: READINGS["+"]}) for each in looks({A: "++++", B: "++++"})]

    judgement = judge(evidence, now=NOW, policy=POLICY)

    assert judgement.verdict is Verdict.UNKNOWN
    assert judgement.reason.startswith("resource_manager: ") and "; name_node: " in judgement.reason


def test_an_unhealthy_verdict_says_who_saw_what() -> None:
    judgement = judge(looks({B: "+---", A: "+---", C: "++++"}), now=NOW, policy=POLICY)

    assert judgement == Judgement(
        verdict=Verdict.UNHEALTHY,
        reason="livy: unhealthy for prober:a (connection refused), prober:b (connection refused), "
        "healthy for prober:c (fine), undecided for nobody",
        bad_services=frozenset({Service.LIVY}),
        good_services=frozenset({Service.RESOURCE_MANAGER, Service.NAME_NODE}),
        first_bad_at=NOW - 20,
        actionable=True,
    )


def test_a_healthy_verdict_asks_for_nothing() -> None:
    judgement = judge(looks({A: "++++", B: "++++"}), now=NOW, policy=POLICY)

    assert judgement == Judgement(
        verdict=Verdict.HEALTHY,
        reason="; ".join(
            f"{service}: unhealthy for nobody, healthy for prober:a (fine), prober:b (fine), undecided for nobody"
            for service in Service
        ),
        good_services=frozenset(Service),
    )
    assert (judgement.bad_services, judgement.first_bad_at) == (frozenset(), None)
    assert (judgement.actionable, judgement.terminated_by_a_person) == (False, False)


def test_an_open_verdict_says_what_is_missing() -> None:
    judgement = judge(looks({A: "----", B: "++++"}), now=NOW, policy=POLICY)

    assert judgement == Judgement(
        verdict=Verdict.UNKNOWN,
        reason="livy: unhealthy for prober:a (connection refused), healthy for prober:b (fine), undecided for nobody: "
        "no 2 vantage points, one of them a prober, agree uncontradicted",
        good_services=frozenset({Service.RESOURCE_MANAGER, Service.NAME_NODE}),
    )


def test_a_service_that_nobody_can_judge_is_neither_good_nor_bad() -> None:
    """Livy is restarted in place only beside services that are known to be good."""
    blind = {Service.LIVY: READINGS["-"], Service.RESOURCE_MANAGER: READINGS["+"]}
    evidence = [replace(each, services=blind) for each in looks({A: "---", B: "---"})]

    judgement = judge(evidence, now=NOW, policy=POLICY)

    assert judgement.bad_services == {Service.LIVY}
    assert judgement.good_services == {Service.RESOURCE_MANAGER}


def test_why_observers_are_undecided() -> None:
    cut_off = looks({A: "!!!!"})
    blind = [replace(each, services={}) for each in looks({B: "++++"})]
    undecided = looks({C: "+-+-", LB: "-+-+"})

    assert judge([*cut_off, *blind, *undecided], now=NOW, policy=POLICY).reason.split("; ")[0] == (
        "livy: unhealthy for nobody, healthy for nobody, undecided for load-balancer (fine), "
        "prober:a (does not reach the front door either), prober:b (does not look at it), "
        "prober:c (connection refused): no 2 vantage points, one of them a prober, agree uncontradicted"
    )


def test_the_newest_good_look_is_quoted() -> None:
    evidence = [
        replace(each, services={**each.services, Service.LIVY: healthy(f"at {each.observed_at:.0f}")})
        for each in looks({A: "+++", B: "+++"})
    ]

    assert "prober:a (at 1000000)" in judge(evidence, now=NOW, policy=POLICY).reason


def test_evidence_of_other_services_is_none() -> None:
    blind = [replace(each, services={}) for each in looks({A: "----", B: "----"})]

    assert judge(blind, now=NOW, policy=POLICY).verdict is Verdict.UNKNOWN


def test_the_first_bad_look_is_that_of_the_service_that_failed_first() -> None:
    dead = {Service.LIVY: READINGS["-"], Service.NAME_NODE: READINGS["-"]}
    evidence = [
        replace(each, services=dead | {Service.RESOURCE_MANAGER: READINGS["-" if age < 3 else "+"]})
        for observer in (A, B)
        for age, each in enumerate(looks({observer: "----"}))
    ]

    assert judge(list(evidence), now=NOW, policy=POLICY).bad_services == set(Service)
    assert judge(list(evidence), now=NOW, policy=POLICY).first_bad_at == NOW - 30


def test_the_newest_bad_look_is_quoted() -> None:
    evidence = [
        replace(each, services={**each.services, Service.LIVY: unhealthy(f"at {each.observed_at:.0f}")})
        for each in looks({A: "---", B: "---"})
    ]

    assert "prober:a (at 1000000)" in judge(evidence, now=NOW, policy=POLICY).reason


def test_the_first_bad_look_is_the_earliest_of_those_who_agree() -> None:
    """The incident's name is made of it."""
    judgement = judge(looks({A: "+---", B: "-+--", C: "---+"}), now=NOW, policy=POLICY)

    assert judgement.first_bad_at == NOW - 30


def test_the_first_bad_look_does_not_depend_on_how_long_ago_it_was_good() -> None:
    early = judge(looks({A: "+---", B: "+---"}), now=NOW, policy=POLICY)
    late = judge(looks({A: "+---", B: "+---"}), now=NOW + 5, policy=POLICY)

    assert early.first_bad_at == late.first_bad_at


@pytest.mark.parametrize("phase", [0.0, 3.0, 9.9])
def test_the_phase_of_the_rounds_does_not_matter(phase: float) -> None:
    assert verdict({A: "+---", B: "+---"}, phase=phase) is Verdict.UNHEALTHY


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [(0.0, Verdict.UNHEALTHY), (5.0, Verdict.UNHEALTHY), (5.1, Verdict.UNKNOWN), (60.0, Verdict.UNKNOWN)],
)
def test_an_observer_whose_clock_is_ahead_has_no_voice(ahead: float, expected: Verdict) -> None:
    """Half a round is what clocks may differ by."""
    evidence = looks({A: "----"}) + looks({B: "----"}, phase=-ahead)

    assert judge(evidence, now=NOW, policy=POLICY).verdict is expected


def test_no_look_of_a_clock_that_is_ahead_counts() -> None:
    """Its older looks seem to be of now, and they are as old as the clock is wrong."""
    evidence = looks({A: "----"}) + looks({B: "----------"}, phase=-60)

    assert judge(evidence, now=NOW, policy=POLICY).verdict is Verdict.UNKNOWN


def test_a_clock_that_is_ahead_speaks_for_nobody() -> None:
    evidence = looks({A: "++++"}) + looks({B: "++++"}, phase=-60)

    assert judge(evidence, now=NOW, policy=POLICY).verdict is Verdict.UNKNOWN


def test_a_clock_that_is_ahead_is_told_of() -> None:
    evidence = looks({A: "----", C: "----"}) + looks({B: "----"}, phase=-60)

    judgement = judge(evidence, now=NOW, policy=POLICY)

    assert judgement.verdict is Verdict.UNHEALTHY
    assert judgement.reason.split("; ")[0].endswith("undecided for prober:b (its clock is 60 s ahead)")


def test_a_clock_that_is_behind_is_heard_until_it_seems_silent() -> None:
    """Its looks seem older than they are: what they say comes later, and nothing else."""
    assert judge(looks({A: "---"}) + looks({B: "---"}, phase=20), now=NOW, policy=POLICY).verdict is Verdict.UNHEALTHY
    assert judge(looks({A: "---"}) + looks({B: "---"}, phase=30), now=NOW, policy=POLICY).verdict is Verdict.UNKNOWN


def test_the_order_of_evidence_does_not_matter() -> None:
    evidence = looks({A: "++---", B: "++---"})

    assert judge(reversed(evidence), now=NOW, policy=POLICY) == judge(evidence, now=NOW, policy=POLICY)


@pytest.mark.parametrize(
    ("rule", "rows", "since", "expected"),
    [
        ("both have looked again, and see it bad", {A: "----", B: "----"}, 5, Verdict.UNHEALTHY),
        ("at that very moment is again", {A: "----", B: "----"}, 0, Verdict.UNHEALTHY),
        ("nobody has looked again", {A: "----.", B: "----."}, 5, Verdict.UNKNOWN),
        ("one has not looked again", {A: "----", B: "----."}, 5, Verdict.UNKNOWN),
        ("two others have", {A: "----", B: "----.", LB: "----"}, 5, Verdict.UNHEALTHY),
        ("one saw it well since", {A: "----", B: "--+-"}, 15, Verdict.UNKNOWN),
        ("one saw it well before", {A: "----", B: "--+-"}, 5, Verdict.UNHEALTHY),
        ("one could not ask since", {A: "----", B: "--?-"}, 15, Verdict.UNHEALTHY),
        ("it is well again for both", {A: "-+++", B: "-+++"}, 5, Verdict.HEALTHY),
        ("health needs a new look too", {A: "++++.", B: "++++."}, 5, Verdict.UNKNOWN),
    ],
)
def test_a_second_look(rule: str, rows: dict[str, str], since: float, expected: Verdict) -> None:
    """A14: one that rests on the same looks would confirm whatever the first verdict said."""
    judgement = judge(looks(rows), now=NOW, policy=POLICY, looked_since=NOW - since)

    assert judgement.verdict is expected, rule


def test_a_second_look_still_needs_somebody_who_is_heard() -> None:
    assert judge(looks({A: "---...", B: "---..."}), now=NOW, policy=POLICY, looked_since=NOW - 60).verdict is (
        Verdict.UNKNOWN
    )


@pytest.mark.parametrize(
    ("rule", "rows", "asked", "expected"),
    [
        ("both see it bad", {A: "---.", B: "---."}, {A: "-", B: "-"}, True),
        ("a third one too", {A: "---.", B: "---."}, {A: "-", B: "-", C: "-"}, True),
        ("a third one cannot tell", {A: "---.", B: "---."}, {A: "-", B: "-", C: "!"}, True),
        ("a third one sees it well", {A: "---.", B: "---."}, {A: "-", B: "-", C: "+"}, False),
        ("one sees it well", {A: "---.", B: "---."}, {A: "-", B: "+"}, False),
        ("one alone answers", {A: "---.", B: "---."}, {A: "-"}, False),
        ("one of two cannot tell", {A: "---.", B: "---."}, {A: "-", B: "!"}, False),
        ("no round has seen it", {A: "+++.", B: "+++."}, {A: "-", B: "-"}, False),
    ],
)
def test_who_is_asked_to_look_at_once_confirms_only_what_nobody_sees_well(
    rule: str, rows: dict[str, str], asked: dict[str, str], expected: bool
) -> None:
    """A14: rounds let everybody look again before two have confirmed a fault."""
    again = looks(asked)
    judgement = judge([*looks(rows), *again], now=NOW, policy=POLICY, looked_since=NOW - 5)

    assert is_confirmed(judgement, again, policy=POLICY) is expected, rule


def test_a_function_that_runs_twice_does_not_halve_the_time() -> None:
    """Schedules fire at least once: looks closer than 6 s are of one round."""
    doubled = looks({A: "++--", B: "++--"}) + looks({A: "++--", B: "++--"}, phase=5.9)

    assert judge(doubled, now=NOW, policy=POLICY).verdict is Verdict.UNKNOWN


def test_looks_six_seconds_apart_are_of_two_rounds() -> None:
    near = [replace(each, observed_at=NOW - (NOW - each.observed_at) * 0.6) for each in looks({A: "---", B: "---"})]

    assert judge(near, now=NOW, policy=POLICY).verdict is Verdict.UNHEALTHY


@pytest.mark.parametrize(
    ("silent_for", "expected"), [(25.0, Verdict.UNHEALTHY), (25.5, Verdict.UNKNOWN)], ids=["just heard", "silent"]
)
def test_an_observer_is_heard_for_two_rounds_and_a_half(silent_for: float, expected: Verdict) -> None:
    recent = [each for each in looks({A: "---", B: "---"}, phase=silent_for)]

    assert judge(recent, now=NOW, policy=POLICY).verdict is expected


def test_evidence_is_read_for_the_rounds_of_a_verdict_and_one_more() -> None:
    assert looked_at_since(now=NOW, policy=POLICY) == NOW - 50
    assert verdict({A: "-..--.", B: "-..--."}) is Verdict.UNHEALTHY
    assert verdict({A: "-..--.", B: "-..--."}, phase=0.1) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("age", "expected"), [(39.9, Verdict.UNKNOWN), (40.0, Verdict.UNHEALTHY), (1000.0, Verdict.UNHEALTHY)]
)
def test_an_incarnation_is_judged_after_four_rounds_in_service(age: float, expected: Verdict) -> None:
    judgement = judge(looks({A: "----", B: "----"}), now=NOW, policy=POLICY, serving_from=NOW - age)

    assert judgement.verdict is expected


def test_why_it_is_not_judged_yet() -> None:
    judgement = judge([], now=NOW, policy=POLICY, serving_from=NOW - 12.3)

    assert judgement == Judgement(verdict=Verdict.UNKNOWN, reason="in service for 12 s, judged from 40 s on")


def test_evidence_from_before_the_service_does_not_count() -> None:
    rows = {A: "--+--", B: "--+--"}
    policy = Policy(rounds=3, bad_rounds=3)
    before = [each for each in looks({A: "---", B: "---"}, phase=15)]

    assert judge(before, now=NOW, policy=policy, serving_from=NOW - 35).verdict is Verdict.UNHEALTHY
    assert judge(before, now=NOW, policy=policy, serving_from=NOW - 34).verdict is Verdict.UNKNOWN
    assert verdict(rows) is Verdict.UNHEALTHY


def test_the_numbers_are_the_policys() -> None:
    strict = Policy(rounds=2, bad_rounds=2, vantage_points=3)

    assert judge(looks({A: "--", B: "--"}), now=NOW, policy=strict).verdict is Verdict.UNKNOWN
    assert judge(looks({A: "--", B: "--", C: "--"}), now=NOW, policy=strict).verdict is Verdict.UNHEALTHY


UNHEALTHY = Judgement(verdict=Verdict.UNHEALTHY, reason="livy: bad", first_bad_at=NOW, actionable=True)
BY_A_PERSON = Termination(code="USER_REQUEST", message="Terminated by user request")


def test_a_cluster_that_a_person_ended_is_not_replaced() -> None:
    judgement = consider_termination(UNHEALTHY, BY_A_PERSON, asked_at=None)

    assert judgement == replace(
        UNHEALTHY,
        actionable=False,
        terminated_by_a_person=True,
        reason="terminated by a person (Terminated by user request), not replaced; livy: bad",
    )


@pytest.mark.parametrize(
    ("rule", "termination", "asked_at"),
    [
        ("it does not end", None, None),
        ("we asked for it, and it ends", BY_A_PERSON, NOW),
        ("we asked for it, and it ended then", replace(BY_A_PERSON, ended_at=NOW + 60), NOW),
        ("at the same moment", replace(BY_A_PERSON, ended_at=NOW), NOW),
        ("its instance failed", Termination(code="INSTANCE_FAILURE", message="lost", ended_at=NOW), None),
    ],
)
def test_other_ends_are_answered(rule: str, termination: Termination | None, asked_at: float | None) -> None:
    assert consider_termination(UNHEALTHY, termination, asked_at=asked_at) == UNHEALTHY, rule


def test_what_a_person_had_ended_before_we_asked_stays_a_persons() -> None:
    """A11: a failover by hand asks for the end of what it replaces, and that is no failure to answer."""
    judgement = consider_termination(UNHEALTHY, replace(BY_A_PERSON, ended_at=NOW - 1), asked_at=NOW)

    assert (judgement.actionable, judgement.terminated_by_a_person) == (False, True)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, None),
        ({"State": "WAITING"}, None),
        ({"State": "TERMINATED"}, Termination(code="", message="")),
        (
            {
                "State": "TERMINATED_WITH_ERRORS",
                "StateChangeReason": {"Code": "INSTANCE_FAILURE", "Message": "lost"},
                "Timeline": {"EndDateTime": datetime.fromtimestamp(NOW, tz=UTC)},
            },
            Termination(code="INSTANCE_FAILURE", message="lost", ended_at=NOW),
        ),
        (
            {"State": "TERMINATING", "StateChangeReason": {"Code": "USER_REQUEST"}, "Timeline": {}},
            Termination(code="USER_REQUEST", message=""),
        ),
    ],
)
def test_the_end_as_emr_tells_it(status: dict[str, Any], expected: Termination | None) -> None:
    assert Termination.from_status(status) == expected


def test_while_emr_does_not_say_why_nothing_is_done() -> None:
    """A14: an error of our own call never leads to an action."""
    assert termination_unknown(UNHEALTHY, why="slow down") == replace(
        UNHEALTHY, actionable=False, reason="DescribeCluster failed (slow down); livy: bad"
    )
