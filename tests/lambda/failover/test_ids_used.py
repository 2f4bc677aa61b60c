"""How much of its range of ids each incarnation in service has used, as a metric."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from failover.errors import NoProberAnsweredError
from failover.ids_used import tell_ids_used
from failover.probers import Probers
from failover.reality import read_record
from failover.reconcile import reconcile

from .scenarios import launched, second_half
from .world import World


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """What was written since the last look, by managed cluster."""
    found: dict[str, float] = {}
    for line in capsys.readouterr().out.splitlines():
        data = json.loads(line) if line.startswith('{"_aws"') else {}
        if "IdsUsed" in data:
            (metric,) = data["_aws"]["CloudWatchMetrics"][0]["Metrics"]
            assert metric["Unit"] == "Percent"
            found[data["managed_cluster"]] = data["IdsUsed"][0]
    return found


@pytest.fixture
def serving(world: World, capsys: pytest.CaptureFixture[str]) -> World:
    """Generation 1 serves, and has issued 800,000 ids."""
    launched(world)
    world.cluster(1).newest_id = 1_001_799_999
    capsys.readouterr()
    return world


def test_the_share_that_is_used_is_told(serving: World, capsys: pytest.CaptureFixture[str]) -> None:
    tell_ids_used(serving.deployment, read_record(serving.deployment))
    assert told(capsys) == {"a": 80.0}


def test_it_is_more_than_all_beyond_the_end(serving: World, capsys: pytest.CaptureFixture[str]) -> None:
    serving.cluster(1).newest_id = 1_002_000_000
    tell_ids_used(serving.deployment, read_record(serving.deployment))
    assert told(capsys) == {"a": 100.0001}


def test_a_livy_that_does_not_answer_is_not_told_of(serving: World, capsys: pytest.CaptureFixture[str]) -> None:
    serving.unhealthy.add(serving.cluster(1).address)
    tell_ids_used(serving.deployment, read_record(serving.deployment))
    assert told(capsys) == {}


def test_without_a_prober_nothing_is_told(serving: World, capsys: pytest.CaptureFixture[str]) -> None:
    serving.dead_probers = {each.function_name for each in serving.deployment.config.probers}
    tell_ids_used(serving.deployment, read_record(serving.deployment))
    assert told(capsys) == {}


def test_nobody_waits_for_probers_a_second_time(serving: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """B6: each that hangs takes its whole time limit."""
    asked: list[str] = []

    def hang(_: object, *, address: str, near: str | None) -> int | None:
        asked.append(address)
        raise NoProberAnsweredError("each took too long")

    second_half(serving)
    monkeypatch.setattr(Probers, "newest_id", hang)
    tell_ids_used(serving.deployment, read_record(serving.deployment))
    assert len(asked) == 1


def test_nobody_is_asked_when_something_was_put_right(serving: World, capsys: pytest.CaptureFixture[str]) -> None:
    """B6: that run has looked twice and waited in between, and the function has less than a minute."""
    serving.targets["balanced"].clear()
    reconcile(serving.deployment)
    assert told(capsys) == {}


def test_one_that_does_not_answer_does_not_hide_another(serving: World, capsys: pytest.CaptureFixture[str]) -> None:
    second_half(serving)  # nobody is at its address
    tell_ids_used(serving.deployment, read_record(serving.deployment))
    assert told(capsys) == {"a": 80.0}


@pytest.mark.parametrize("change", [{"unseeded": True}, {"primary_address": None}, {"id_prefix": None}])
def test_one_that_has_no_range_or_no_address_is_not_told_of(
    serving: World, capsys: pytest.CaptureFixture[str], change: dict[str, Any]
) -> None:
    recorded = read_record(serving.deployment)
    changed = replace(recorded, incarnations=tuple(replace(each, **change) for each in recorded.incarnations))
    tell_ids_used(serving.deployment, changed)
    assert told(capsys) == {}


def test_the_reconciliation_tells_it_each_minute(serving: World, capsys: pytest.CaptureFixture[str]) -> None:
    reconcile(serving.deployment)
    assert told(capsys) == {"a": 80.0}


def test_a_question_that_outlasts_the_function_does_not_keep_the_heartbeat_back(
    serving: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """B6: a Livy that hangs costs seconds, and the function has less than a minute."""

    def hang(*_: object, **__: object) -> None:
        raise SystemExit

    monkeypatch.setattr(Probers, "newest_id", hang)
    with pytest.raises(SystemExit):
        reconcile(serving.deployment)
    assert '"Reconciled":[1.0]' in capsys.readouterr().out
