"""What keeps standbys: there only where one is wanted, and what it may not do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dr_core import metrics
from emr_dr.settings import Settings
from emr_dr.settings_errors import SettingsError
from stacks.active_active import ActiveActive
from stacks.active_passive import ActivePassive
from stacks.platform import Platform

from ..synthesis import findings, function_config, new_app, resources, statements, templates

ROLE = "StandbyKeeperStandbyRole"
NAME = "emr-dr-active-passive-standby"
READS = ("Describe", "List", "Get", "Query", "BatchGet", "ConditionCheck")


def actions(found: list[dict[str, Any]]) -> set[str]:
    return {
        action for each in found for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    }


def functions(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["FunctionName"]: each for each in resources(template, "AWS::Lambda::Function").values()}


def test_without_a_standby_nothing_of_it_is_deployed(active_passive: dict[str, Any]) -> None:
    """standby: none is what it was before there were any."""
    assert NAME not in functions(active_passive)
    assert not any(metrics.STANDBY_MISSING in name for name in resources(active_passive, "AWS::CloudWatch::Alarm"))
    failover = functions(active_passive)["emr-dr-active-passive-failover"]
    config = function_config(failover)
    assert config is not None and not config.wants_standby("a")


def test_it_runs_every_minute_beside_what_it_watches(warm_standby: dict[str, Any]) -> None:
    keeper = functions(warm_standby)[NAME]
    assert keeper["Handler"] == "failover.standby.handler"
    assert "VpcConfig" not in keeper
    schedules = [each["Name"] for each in resources(warm_standby, "AWS::Scheduler::Schedule").values()]
    assert NAME in schedules


def test_it_touches_neither_front_door_nor_cluster(warm_standby: dict[str, Any]) -> None:
    """A14: it asks, and the machines act."""
    changing = {
        action
        for action in actions(statements(warm_standby, role=ROLE))
        if not action.partition(":")[2].startswith(READS)
    }
    assert changing == {
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "lambda:InvokeFunction",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sns:Publish",
        "sqs:SendMessage",
        "states:StartExecution",
    }
    assert [each for each in statements(warm_standby, role=ROLE) if each["Resource"] == "*"] == []


def test_the_controller_may_stop_what_gives_way(warm_standby: dict[str, Any]) -> None:
    """A failover does not wait for the launch of a standby; it stops operations, and no retirement."""
    stopping = [
        each
        for each in statements(warm_standby, role="ControllerFailoverRole")
        if "states:StopExecution" in actions([each])
    ]
    assert [str(each["Resource"]).count("emr-dr-active-passive-operation") for each in stopping] == [1]
    assert "retirement" not in str(stopping)


def test_every_function_knows_that_a_standby_is_wanted(warm_standby: dict[str, Any]) -> None:
    for name, each in functions(warm_standby).items():
        config = function_config(each)
        assert config is None or config.wants_standby("a"), name


def test_a_missing_standby_is_noticed(warm_standby: dict[str, Any]) -> None:
    """Also if whoever counts is silent."""
    (alarm,) = [
        each
        for name, each in resources(warm_standby, "AWS::CloudWatch::Alarm").items()
        if metrics.STANDBY_MISSING in name
    ]
    assert (alarm["EvaluationPeriods"], alarm["Statistic"], alarm["TreatMissingData"]) == (30, "Minimum", "breaching")
    assert NAME in str(alarm["AlarmDescription"])


def test_the_policy_checks_find_nothing(tmp_path: Path) -> None:
    app = new_app(tmp_path)
    settings = Settings(standby="warm")
    ActivePassive(app, "ActivePassive", settings=settings, platform=Platform(app, "Platform", settings=settings))
    assert findings(app) == []


def test_active_active_keeps_none(tmp_path: Path, active_active: dict[str, Any]) -> None:
    """Its other half serves meanwhile."""
    app = new_app(tmp_path)
    settings = Settings(standby="warm")
    ActiveActive(app, "ActiveActive", settings=settings, platform=Platform(app, "Platform", settings=settings))
    assert functions(templates(app)["ActiveActive"]).keys() == functions(active_active).keys()


def test_a_standby_needs_a_budget_of_its_own() -> None:
    """Half of the launches of a day are for failovers alone."""
    with pytest.raises(SettingsError, match=r"monitor\.launches_per_day"):
        Settings.parse({"standby": "warm", "monitor": {"launches_per_day": 1}})
