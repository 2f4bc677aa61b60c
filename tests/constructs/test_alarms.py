"""Alarms, against the metrics that functions write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_sns as sns
from aws_lambda_powertools import Logger

from dr_core import metrics
from dr_core.config import Policy
from dr_core.evidence import Verdict
from dr_core.incidents import Action, Response
from dr_core.restraints import DeploymentView
from dr_core.verdicts import Judgement
from emr_dr.alarm_texts import LONGEST_DESCRIPTION
from emr_dr.alarms import Alarms
from failover.notices import Notices
from monitor.reporting import Report

from ..synthesis import new_app, resources, templates

DEPLOYMENT = "emr-dr-active-passive"


def alarms(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By the name of the metric; machines' alarms by their logical id."""
    return {
        each["MetricName"] if each["Namespace"] == metrics.NAMESPACE else logical_id: each
        for logical_id, each in resources(template, "AWS::CloudWatch::Alarm").items()
    }


def dimensions(alarm: dict[str, Any]) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in alarm["Dimensions"]}


def written(captured: str, name: str) -> dict[str, str]:
    """The dimensions of the metric *name* in what a function printed."""
    for line in captured.splitlines():
        data = json.loads(line)
        for group in data["_aws"]["CloudWatchMetrics"]:
            if any(metric["Name"] == name for metric in group["Metrics"]):
                assert group["Namespace"] == metrics.NAMESPACE
                return {dimension: data[dimension] for dimension in group["Dimensions"][0]}
    raise AssertionError(f"{name} was not written: {captured}")


@pytest.fixture
def environment(active_passive: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, str]]:
    """Powertools' variables of each function, by the end of its name."""
    return {
        properties["FunctionName"].removeprefix(f"{DEPLOYMENT}-"): {
            name: value
            for name, value in properties["Environment"]["Variables"].items()
            if name.startswith("POWERTOOLS_")
        }
        for properties in resources(active_passive, "AWS::Lambda::Function").values()
    }


def use(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_silent_monitor_is_noticed(
    active_passive: dict[str, Any],
    environment: dict[str, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    use(monkeypatch, environment["monitor"])
    Report(deployment=DEPLOYMENT, logger=Logger()).heartbeat()
    alarm = alarms(active_passive)[metrics.MONITOR_HEARTBEAT]

    assert dimensions(alarm) == written(capsys.readouterr().out, metrics.MONITOR_HEARTBEAT)
    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["ComparisonOperator"] == "LessThanThreshold"


@pytest.mark.parametrize("name", [metrics.FENCE_OVERDUE, metrics.RETIREMENT_OVERDUE])
def test_overdue_end_of_an_incarnation_is_noticed(
    active_passive: dict[str, Any],
    environment: dict[str, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    use(monkeypatch, environment["failover"])
    client: Any = None
    Notices(client=client, topic="", deployment=DEPLOYMENT).count(name, managed_cluster="a")

    assert dimensions(alarms(active_passive)[name]) == written(capsys.readouterr().out, name)


@pytest.mark.parametrize("name", [metrics.ATTEMPTS_EXHAUSTED, metrics.TERMINATED_BY_A_PERSON])
def test_what_the_monitor_leaves_to_a_person_is_noticed(active_passive: dict[str, Any], name: str) -> None:
    assert dimensions(alarms(active_passive)[name]) == {
        metrics.DEPLOYMENT_DIMENSION: DEPLOYMENT,
        metrics.MANAGED_CLUSTER_DIMENSION: "a",
    }


def test_bad_ends_of_both_machines_are_noticed(active_passive: dict[str, Any]) -> None:
    """A stopped execution too: nobody else tells that it was stopped."""
    watched = {
        (each["MetricName"], str(each["Dimensions"][0]["Value"]["Ref"])[: len("ControllerMachinesOperation")])
        for each in resources(active_passive, "AWS::CloudWatch::Alarm").values()
        if each["Namespace"] == "AWS/States"
    }

    assert watched == {
        (name, machine[: len("ControllerMachinesOperation")])
        for name in ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted")
        for machine in ("ControllerMachinesOperation", "ControllerMachinesRetirement")
    }


@pytest.mark.parametrize("name", [metrics.PAUSED, metrics.COMMON_CAUSE, metrics.LAUNCHES_TODAY])
def test_what_the_monitor_says_of_the_deployment_is_noticed(
    active_passive: dict[str, Any],
    environment: dict[str, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    """A14: nothing stays disarmed unnoticed."""
    use(monkeypatch, environment["monitor"])
    Report(deployment=DEPLOYMENT, logger=Logger()).deployment_seen(DeploymentView(), common_cause=False)
    alarm = alarms(active_passive)[name]

    assert dimensions(alarm) == written(capsys.readouterr().out, name)
    assert alarm["Statistic"] == "Maximum"
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert alarm["Threshold"] == (Policy().launches_per_day if name == metrics.LAUNCHES_TODAY else 1)
    assert (alarm["EvaluationPeriods"], alarm["TreatMissingData"]) == (1, "notBreaching")


def test_a_failover_that_waits_for_a_person_is_noticed(
    active_passive: dict[str, Any],
    environment: dict[str, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    use(monkeypatch, environment["monitor"])
    Report(deployment=DEPLOYMENT, logger=Logger()).kept_back("a", Response(action=Action.NOTHING, reason="r"))
    alarm = alarms(active_passive)[metrics.FAILOVER_BLOCKED]

    assert dimensions(alarm) == written(capsys.readouterr().out, metrics.FAILOVER_BLOCKED)
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Maximum", 1)


def test_that_nobody_can_tell_is_noticed_after_ten_minutes(
    active_passive: dict[str, Any],
    environment: dict[str, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An incarnation that is new in service is unknown for some rounds, as is one about to fail: neither pages."""
    use(monkeypatch, environment["monitor"])
    Report(deployment=DEPLOYMENT, logger=Logger()).judged("a", "g1", Judgement(verdict=Verdict.UNKNOWN, reason="r"))
    alarm = alarms(active_passive)[metrics.VERDICT_UNKNOWN]

    assert dimensions(alarm) == written(capsys.readouterr().out, metrics.VERDICT_UNKNOWN)
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Minimum", 1)
    assert (alarm["EvaluationPeriods"], alarm["Period"]) == (10, 60)


@pytest.mark.parametrize("name", [metrics.SERVING_UNSEEDED, metrics.DRAIN_OVERDUE])
def test_what_an_operation_leaves_to_a_person_is_noticed(active_passive: dict[str, Any], name: str) -> None:
    assert dimensions(alarms(active_passive)[name]) == {
        metrics.DEPLOYMENT_DIMENSION: DEPLOYMENT,
        metrics.MANAGED_CLUSTER_DIMENSION: "a",
    }


@pytest.mark.parametrize("name", [metrics.NOTICES_REFUSED, metrics.ORPHANS, metrics.RECONCILED])
def test_what_concerns_no_managed_cluster_is_noticed(active_passive: dict[str, Any], name: str) -> None:
    assert dimensions(alarms(active_passive)[name]) == {metrics.DEPLOYMENT_DIMENSION: DEPLOYMENT}


def test_a_silent_reconciliation_is_noticed(active_passive: dict[str, Any]) -> None:
    alarm = alarms(active_passive)[metrics.RECONCILED]

    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["ComparisonOperator"] == "LessThanThreshold"


def test_the_budget_of_the_settings_is_that_of_the_alarm(tmp_path: Path) -> None:
    app = new_app(tmp_path)
    stack = Stack(app, "Stack")
    Alarms(stack, "Alarms", deployment="dep", alert_topic=sns.Topic(stack, "Topic")).watch_restraints(
        ["a", "b"], launches_per_day=3
    )
    found = resources(templates(app)["Stack"], "AWS::CloudWatch::Alarm").values()

    assert [each["Threshold"] for each in found if each["MetricName"] == metrics.LAUNCHES_TODAY] == [3]
    assert len([each for each in found if each["MetricName"] == metrics.FAILOVER_BLOCKED]) == 2


def test_errors_of_functions_that_nobody_waits_for_are_noticed(active_passive: dict[str, Any]) -> None:
    watched = {
        str(each["Dimensions"][0]["Value"]["Ref"]).rpartition("Function")[0]
        for each in resources(active_passive, "AWS::CloudWatch::Alarm").values()
        if (each["Namespace"], each["MetricName"]) == ("AWS/Lambda", "Errors")
    }

    assert watched == {"ControllerExecutionEnded", "ControllerManagedCluster"}


def description(alarm: dict[str, Any]) -> str:
    """The text with partition, region and account as they may be."""
    text = alarm["AlarmDescription"]
    if isinstance(text, str):
        return text
    known = {
        "AWS::Partition": "aws-us-gov",
        "AWS::Region": "ap-southeast-2",
        "AWS::AccountId": "123456789012",
    }
    separator, parts = text["Fn::Join"]
    return str(separator).join(part if isinstance(part, str) else known[part["Ref"]] for part in parts)


def test_every_alarm_tells_the_alert_topic_when_it_begins_and_ends(active_passive: dict[str, Any]) -> None:
    for each in resources(active_passive, "AWS::CloudWatch::Alarm").values():
        assert "Alerts" in str(each["AlarmActions"])
        assert each["OKActions"] == each["AlarmActions"]


def test_every_alarm_says_what_happened_what_was_done_and_what_to_do(active_passive: dict[str, Any]) -> None:
    for each in resources(active_passive, "AWS::CloudWatch::Alarm").values():
        text = description(each)

        happened, rest = text.removeprefix("What happened: ").split(" What was done: ")
        done, to_do = rest.split(" What to do: ")
        assert text.startswith("What happened: ")
        assert all(len(part) > 20 for part in (happened, done, to_do)), text
        assert happened.endswith(".") and done.endswith("."), text
        assert DEPLOYMENT in text
        # Room for a longer name of the deployment.
        assert len(text) <= LONGEST_DESCRIPTION - 60, text


@pytest.mark.parametrize(
    ("name", "command"),
    [
        (metrics.FAILOVER_BLOCKED, '"action": "acknowledge"'),
        (metrics.FAILOVER_BLOCKED, '"kind": "failover"'),
        (metrics.PAUSED, '"action": "resume"'),
        (metrics.COMMON_CAUSE, '"action": "pause"'),
        (metrics.LAUNCHES_TODAY, '"action": "show"'),
        (metrics.ATTEMPTS_EXHAUSTED, '"kind": "failover"'),
        (metrics.TERMINATED_BY_A_PERSON, '"kind": "failover"'),
        (metrics.VERDICT_UNKNOWN, '"kind": "failover"'),
        (metrics.SERVING_UNSEEDED, '"kind": "switchover"'),
    ],
)
def test_an_alarm_that_asks_for_a_word_gives_the_command(
    active_passive: dict[str, Any], name: str, command: str
) -> None:
    assert command in description(alarms(active_passive)[name])
