"""What runs every minute."""

from __future__ import annotations

from typing import Any

from ..synthesis import resources, statements

SCHEDULE = "AWS::Scheduler::Schedule"


def test_monitor_reconciliation_and_every_prober_run_each_minute(active_passive: dict[str, Any]) -> None:
    """A11."""
    schedules = resources(active_passive, SCHEDULE).values()

    assert {each["Name"] for each in schedules} == {
        f"emr-dr-active-passive-{name}" for name in ("monitor", "reconcile", "prober-1", "prober-2", "prober-3")
    }
    for each in schedules:
        assert each["ScheduleExpression"] == "rate(1 minute)"
        assert each["FlexibleTimeWindow"] == {"Mode": "OFF"}
        assert each["Target"]["Input"] == "{}"


def test_delivery_that_was_given_up_is_kept(active_passive: dict[str, Any]) -> None:
    for each in resources(active_passive, SCHEDULE).values():
        assert "SchedulesDeadLetters" in str(each["Target"]["DeadLetterConfig"]["Arn"])


def test_schedules_may_start_these_functions_and_no_others(active_passive: dict[str, Any]) -> None:
    found = statements(active_passive, role="SchedulesRole")
    started = [each["Resource"] for each in found if each["Action"] == "lambda:InvokeFunction"]
    named = started[0] if isinstance(started[0], list) else started

    assert "*" not in str(named)
    assert {resource["Fn::GetAtt"][1] for resource in named} == {"Arn"}
    assert len(named) == 5


def test_schedule_is_made_after_the_policy_of_its_role(active_passive: dict[str, Any]) -> None:
    for resource in active_passive["Resources"].values():
        if resource["Type"] == SCHEDULE:
            assert any(name.startswith("SchedulesRoleDefaultPolicy") for name in resource["DependsOn"])
