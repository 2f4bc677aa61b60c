"""What is asked of vantage points when fewer probers are left than have to agree."""

from __future__ import annotations

import pytest

from dr_core.config import Policy
from dr_core.evidence import Evidence, Service, Verdict, healthy, prober_observer, unhealthy
from dr_core.few_probers import policy_beside_canary
from dr_core.verdicts import judge

NOW = 1_000_000.0
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")


def looks(*zones: str, good: bool = True, front_door: bool = True, age: float = 0.0) -> list[Evidence]:
    """Four rounds of the probers of *zones*."""
    reading = healthy("good") if good else unhealthy("bad")
    return [
        Evidence(
            incarnation="g000002",
            observer=prober_observer(zone),
            observed_at=NOW - age - 10.0 * back,
            services=dict.fromkeys(Service, reading),
            front_door=front_door,
        )
        for zone in zones
        for back in range(4)
    ]


def verdict(evidence: list[Evidence], policy: Policy) -> Verdict:
    return judge(evidence, now=NOW, policy=policy_beside_canary(evidence, now=NOW, policy=policy)).verdict


def test_one_prober_and_the_canary_prove_what_is_new_where_an_az_of_two_is_lost() -> None:
    """A12: with two AZs nobody else is left to look."""
    assert verdict(looks(ZONES[1]), Policy()) is Verdict.HEALTHY


def test_a_prober_that_does_not_reach_the_front_door_is_none_that_is_left() -> None:
    """It runs on in the AZ that was lost and sees nothing."""
    assert verdict([*looks(ZONES[1]), *looks(ZONES[0], front_door=False)], Policy()) is Verdict.HEALTHY


@pytest.mark.parametrize("zones", [ZONES[:2], ZONES])
def test_where_enough_probers_are_heard_nothing_is_taken_off(zones: tuple[str, ...]) -> None:
    """A14: what two could see is not believed of one."""
    assert policy_beside_canary(looks(*zones), now=NOW, policy=Policy()) == Policy()


def test_a_canary_does_not_outweigh_a_prober_that_sees_a_fault() -> None:
    """A14: the monitor would call it unhealthy a moment later."""
    assert verdict([*looks(ZONES[0], good=False), *looks(ZONES[1])], Policy()) is not Verdict.HEALTHY
    assert verdict(looks(ZONES[1], good=False), Policy()) is not Verdict.HEALTHY


@pytest.mark.parametrize("evidence", [[], looks(ZONES[1], age=300.0), looks(ZONES[1], front_door=False)])
def test_a_canary_alone_is_no_proof(evidence: list[Evidence]) -> None:
    """A14: a prober has to see it in any case."""
    assert verdict(evidence, Policy()) is Verdict.UNKNOWN


def test_a_canary_stands_in_for_one_prober_and_no_more() -> None:
    assert verdict(looks(ZONES[1]), Policy(vantage_points=3)) is Verdict.UNKNOWN
    assert verdict(looks(*ZONES[1:]), Policy(vantage_points=3)) is Verdict.HEALTHY
