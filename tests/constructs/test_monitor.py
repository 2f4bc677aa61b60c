"""The monitor's function."""

from __future__ import annotations

from typing import Any

import pytest

from dr_core.rounds import OVERTIME_UNTIL_SECONDS

from ..synthesis import resources


@pytest.fixture
def monitor(active_passive: dict[str, Any]) -> dict[str, Any]:
    found = resources(active_passive, "AWS::Lambda::Function").values()
    return next(each for each in found if each["FunctionName"] == "emr-dr-active-passive-monitor")


def test_monitor_needs_no_network_of_ours(monitor: dict[str, Any]) -> None:
    """A11: what watches must not hang on what it watches."""
    assert "VpcConfig" not in monitor


def test_monitor_may_run_until_a_late_run_of_it_begins(monitor: dict[str, Any]) -> None:
    """A11: its last round begins before then, and may be as slow as its limits let it."""
    assert monitor["Timeout"] >= OVERTIME_UNTIL_SECONDS + 60


def test_failed_minute_is_not_repeated(active_passive: dict[str, Any]) -> None:
    configurations = resources(active_passive, "AWS::Lambda::EventInvokeConfig").values()
    found = [each for each in configurations if str(each["FunctionName"]).find("MonitorFunction") >= 0]

    assert [each["MaximumRetryAttempts"] for each in found] == [0]


def test_what_was_due_while_it_could_not_run_is_not_made_up_for(active_passive: dict[str, Any]) -> None:
    """A11: when a dead AZ returns, the minutes that its prober missed must not all run at once."""
    configurations = resources(active_passive, "AWS::Lambda::EventInvokeConfig").values()
    ages = {
        str(each["FunctionName"]): each["MaximumEventAgeInSeconds"]
        for each in configurations
        if "MaximumEventAgeInSeconds" in each
    }

    scheduled = ("MonitorFunction", "ProbersProber1", "ProbersProber2", "ProbersProber3")
    for name in scheduled:
        assert [age for function, age in ages.items() if name in function] == [60]
