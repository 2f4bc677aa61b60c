"""What the sections ``monitor`` and ``controller`` may say."""

from __future__ import annotations

import pytest

from emr_dr.settings import Settings

from .refusals import refused


@pytest.mark.parametrize(
    ("section", "key", "least", "most"),
    [
        ("monitor", "failovers_before_block", 1, 10),
        ("monitor", "block_window_seconds", 600, 86_400),
        ("monitor", "launches_per_day", 1, 100),
        ("controller", "repair_limit_seconds", 60, 900),
        ("controller", "drain_limit_seconds", 60, 604_800),
        ("controller", "linger_seconds", 60, 3600),
        ("controller", "orphan_seconds", 300, 86_400),
        ("controller", "bake_seconds", 0, 600),
    ],
)
def test_a_limit_of_automatic_operations_has_its_range(section: str, key: str, least: int, most: int) -> None:
    for value in (least, most):
        assert getattr(Settings.parse({section: {key: value}}).policy, key) == value
    for value in (least - 1, most + 1):
        assert f"{section}.{key}: got {value}\n" in refused({section: {key: value}})


@pytest.mark.parametrize(
    "name",
    [
        "",
        " padded",
        "all-*",
        "what?",
        "${aws:username}",
        "arn:aws:cloudwatch:us-east-1:111122223333:alarm:x",
        "n" * 129,
    ],
)
def test_an_alarm_that_cannot_be_one_is_refused(name: str) -> None:
    """B13: and none may widen the policy that names it."""
    assert "controller.bake_alarms" in refused({"controller": {"bake_alarms": [name]}})


def test_an_alarm_is_named_once_and_only_where_a_change_is_proved() -> None:
    settings = Settings.parse({"controller": {"bake_alarms": ["etl jobs: failed (all)", "n" * 128]}})

    assert settings.policy.bake_alarms == ("etl jobs: failed (all)", "n" * 128)
    assert "each alarm once" in refused({"controller": {"bake_alarms": ["x", "x"]}})
    assert "asks for no proof" in refused({"controller": {"bake_alarms": ["x"], "bake_seconds": 0}})


def test_no_more_bad_rounds_than_rounds() -> None:
    """A11: a check is repeated before anything acts on it."""
    assert "monitor.bad_rounds: got 4" in refused({"monitor": {"rounds": 3, "bad_rounds": 4}})


def test_a_reading_ends_before_its_round() -> None:
    assert "monitor.read_limit_seconds: got 5" in refused({"monitor": {"round_seconds": 5, "read_limit_seconds": 5}})


def test_one_launch_is_not_longer_than_all_launches() -> None:
    message = refused({"controller": {"launch_limit_seconds": 900, "total_launch_limit_seconds": 600}})

    assert "controller.launch_limit_seconds: got 900" in message
