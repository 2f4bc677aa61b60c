"""The verdict of this moment, from evidence of this moment."""

from __future__ import annotations

import pytest

from dr_core.evidence import Verdict
from failover.observation import verdict_on

from .scenarios import launched
from .world import World


@pytest.mark.parametrize("verdict", [Verdict.HEALTHY, Verdict.UNHEALTHY])
def test_what_the_probers_agree_on_is_the_verdict(world: World, verdict: Verdict) -> None:
    """A11: by the monitor's own rule."""
    launched(world).see_evidence(1, verdict)
    assert verdict_on(world.deployment, world.incarnation(1)).verdict is verdict


def test_no_evidence_is_no_verdict(world: World) -> None:
    """A14: nobody looked."""
    launched(world).record.seen.clear()
    assert verdict_on(world.deployment, world.incarnation(1)).verdict is Verdict.UNKNOWN


def test_old_evidence_is_no_verdict(world: World) -> None:
    """A14: what was seen minutes ago says nothing now."""
    launched(world).see_evidence(1, Verdict.UNHEALTHY)
    world.clock.now += 120
    assert verdict_on(world.deployment, world.incarnation(1)).verdict is Verdict.UNKNOWN


def test_evidence_of_another_incarnation_is_no_verdict(world: World) -> None:
    """Each is judged by its own."""
    launched(world).record.seen.clear()
    world.see_evidence(2, Verdict.UNHEALTHY)
    assert verdict_on(world.deployment, world.incarnation(1)).verdict is Verdict.UNKNOWN


def test_what_serves_since_a_moment_is_not_judged(world: World) -> None:
    """Only if asked as one in service."""
    launched(world).see_evidence(1, Verdict.UNHEALTHY)
    incarnation, now = world.incarnation(1), world.clock.now
    assert verdict_on(world.deployment, incarnation, serving_from=now - 5).verdict is Verdict.UNKNOWN
    assert verdict_on(world.deployment, incarnation, serving_from=now - 500).verdict is Verdict.UNHEALTHY


def test_only_the_looks_that_matter_are_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day of evidence is kept: reading all of it would take pages."""
    asked: list[str] = []
    launched(world)

    def evidence(*, table_name: str, incarnation: str, since: str) -> list[dict[str, str]]:
        asked.extend((table_name, incarnation, since))
        return []

    monkeypatch.setattr(world.record, "evidence", evidence)
    verdict_on(world.deployment, world.incarnation(1))
    policy = world.deployment.config.policy
    since = world.clock.now - (policy.rounds + 1) * policy.round_seconds
    assert asked[:2] == ["evidence", "g000001"]
    assert float(asked[2].partition("#")[0]) == since
