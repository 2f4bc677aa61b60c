"""A11, A12: how soon a death is claimed; a sample of what ``make proof`` counts."""

from __future__ import annotations

from statistics import median

import pytest

from .detection import DEATHS, Death, seconds_to_claim, share_within

PHASES = 150


@pytest.mark.parametrize("death", DEATHS, ids=lambda death: death.words)
def test_a_death_is_claimed_within_the_budget(death: Death) -> None:
    """The share of detection in the recovery time is 45 s."""
    times = [seconds_to_claim(seed, death) for seed in range(PHASES)]

    assert share_within(times, 45) >= 0.98
    assert median(times) <= 40
    assert max(times) <= 50
    assert min(times) > 20


def test_one_prober_and_the_load_balancer_take_longer_but_not_much() -> None:
    alone = Death(words="two AZs die", silent=("prober:b", "prober:c"), answered_after=3)

    assert max(seconds_to_claim(seed, alone) for seed in range(PHASES)) <= 75


def test_a_phase_is_the_same_each_time() -> None:
    assert seconds_to_claim(3, DEATHS[0]) == seconds_to_claim(3, DEATHS[0])
    assert seconds_to_claim(3, DEATHS[0]) != seconds_to_claim(4, DEATHS[0])


def test_the_share_counts_the_limit_itself() -> None:
    assert share_within([1.0, 45.0, 46.0, 50.0], 45) == 0.5
