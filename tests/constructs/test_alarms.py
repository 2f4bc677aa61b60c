"""Alarms, against the metrics that functions write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from dr_core import metrics
from failover.notices import Notices
from monitor.reporting import Report

from ..synthesis import resources

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
    watched = {
        (each["MetricName"], str(each["Dimensions"][0]["Value"]["Ref"])[: len("ControllerMachinesOperation")])
        for each in resources(active_passive, "AWS::CloudWatch::Alarm").values()
        if each["Namespace"] == "AWS/States"
    }

    assert watched == {
        (name, machine[: len("ControllerMachinesOperation")])
        for name in ("ExecutionsFailed", "ExecutionsTimedOut")
        for machine in ("ControllerMachinesOperation", "ControllerMachinesRetirement")
    }


def test_errors_of_functions_that_nobody_waits_for_are_noticed(active_passive: dict[str, Any]) -> None:
    watched = {
        str(each["Dimensions"][0]["Value"]["Ref"]).rpartition("Function")[0]
        for each in resources(active_passive, "AWS::CloudWatch::Alarm").values()
        if (each["Namespace"], each["MetricName"]) == ("AWS/Lambda", "Errors")
    }

    assert watched == {"ControllerExecutionEnded", "ControllerManagedCluster"}


def test_every_alarm_tells_the_alert_topic_and_says_what_it_means(active_passive: dict[str, Any]) -> None:
    for each in resources(active_passive, "AWS::CloudWatch::Alarm").values():
        assert "Alerts" in str(each["AlarmActions"])
        assert each["AlarmDescription"]
