"""The states that a target goes through (A5, A12)."""

from __future__ import annotations

import pytest

from emr_drill.front_door.health import CheckResult, HealthState, TargetHealth
from emr_drill.front_door.health_checks import matches


def target() -> TargetHealth:
    """Registered at 0, may be healthy at 15; 12 s to become unhealthy, 15 s to come back."""
    return TargetHealth(
        registered_at=0.0,
        healthy_at=15.0,
        healthy_after=lambda: 15.0,
        unhealthy_after=lambda: 12.0,
        healthy_threshold=2,
        unhealthy_threshold=2,
    )


def check(health: TargetHealth, *, passed: bool, at: list[float]) -> None:
    for time in at:
        health.observe(CheckResult(started_at=time, passed=passed))


def test_new_target_is_initial_until_its_time() -> None:
    """A good check does not shorten registration."""
    health = target()
    check(health, passed=True, at=[0, 5, 10])
    assert health.state_at(14.9) is HealthState.INITIAL
    assert health.state_at(15.0) is HealthState.HEALTHY


def test_new_target_needs_one_good_check() -> None:
    """One that passed, not the threshold's number."""
    health = target()
    check(health, passed=False, at=[0])
    check(health, passed=True, at=[16])
    assert health.state_at(16.0) is HealthState.HEALTHY


def test_unchecked_target_stays_initial() -> None:
    """Time alone makes nothing healthy."""
    assert target().state_at(100.0) is HealthState.INITIAL


def test_new_target_that_never_answers_becomes_unhealthy() -> None:
    """From then on it counts when the load balancer fails open."""
    health = target()
    check(health, passed=False, at=[0, 5, 10])
    assert health.state_at(11.9) is HealthState.INITIAL
    assert health.state_at(12.0) is HealthState.UNHEALTHY


def test_dead_target_becomes_unhealthy_after_its_time() -> None:
    """It stopped between the checks at 20 and 25: 12 s after the middle."""
    health = target()
    check(health, passed=True, at=[10, 15, 20])
    check(health, passed=False, at=[25, 30])
    assert health.state_at(34.4) is HealthState.HEALTHY
    assert health.state_at(34.5) is HealthState.UNHEALTHY


def test_single_failed_check_makes_nothing_unhealthy() -> None:
    """Two in a row are needed (A14: a single failed check must not act)."""
    health = target()
    check(health, passed=True, at=[10, 15, 20])
    check(health, passed=False, at=[25])
    assert health.state_at(60.0) is HealthState.HEALTHY


def test_good_check_in_between_starts_anew() -> None:
    """Failed checks must be in a row."""
    health = target()
    check(health, passed=True, at=[10, 15, 20])
    check(health, passed=False, at=[25, 30])
    check(health, passed=True, at=[33])
    check(health, passed=False, at=[34])
    assert health.state_at(45.0) is HealthState.HEALTHY


def test_target_that_answers_again_becomes_healthy_after_its_time() -> None:
    """15 s after its first good check."""
    health = target()
    check(health, passed=False, at=[0, 5, 10, 15])
    check(health, passed=True, at=[20, 25])
    assert health.state_at(34.9) is HealthState.UNHEALTHY
    assert health.state_at(35.0) is HealthState.HEALTHY


def test_verdict_between_two_checks_is_not_lost() -> None:
    """It was healthy from 15 on, although nobody looked before the failed check at 20."""
    health = target()
    check(health, passed=True, at=[10])
    check(health, passed=False, at=[20])
    assert health.state_at(20.0) is HealthState.HEALTHY


@pytest.mark.parametrize(
    ("matcher", "status", "good"),
    [
        ("200", "200", True),
        ("200", "404", False),
        ("200-399", "302", True),
        ("200,202", "202", True),
        ("200,202", "201", False),
        ("200", "", False),
    ],
)
def test_matcher(matcher: str, status: str, good: bool) -> None:
    """Codes, lists and ranges."""
    assert matches(matcher, status) is good
