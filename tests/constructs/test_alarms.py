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
from dr_core.steps import OPERATION_LIMIT_SECONDS
from dr_core.verdicts import Judgement
from emr_dr.alarm_texts import LONGEST_DESCRIPTION
from emr_dr.alarms import Alarms
from emr_dr.settings import Settings
from failover.notices import Notices
from monitor.reporting import Report
from stacks.deployment import Deployment
from stacks.platform import Platform
from stacks.strategy import Strategy

from ..synthesis import new_app, resources, templates

DEPLOYMENT = "emr-dr-active-passive"
# As long as settings and strategies may make it: 20 characters, a hyphen, 20 characters.
LONGEST_DEPLOYMENT = f"{'n' * 20}-{'s' * 20}"


def alarms(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By the name of the metric; machines' alarms by their logical id."""
    return {
        each["MetricName"] if each["Namespace"] == metrics.NAMESPACE else logical_id: each
        for logical_id, each in resources(template, "AWS::CloudWatch::Alarm").items()
    }


@pytest.fixture(scope="module")
def two_managed_clusters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The template of a deployment with two managed clusters and names as long as they may be."""
    app = new_app(tmp_path_factory.mktemp("two"))
    name, _, strategy_name = LONGEST_DEPLOYMENT.partition("-")
    settings = Settings.parse({"name": name})
    strategy = Strategy(name=strategy_name, managed_clusters=("a", "b"), slots=5)
    platform = Platform(app, "Platform", settings=settings)
    Deployment(app, "Two", strategy=strategy, settings=settings, platform=platform)
    return templates(app)["Two"]


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
    """A stopped execution too: nobody else tells that it was stopped.  A retirement has no time limit."""
    watched = {
        (each["MetricName"], str(each["Dimensions"][0]["Value"]["Ref"])[: len("ControllerMachinesOperation")])
        for each in resources(active_passive, "AWS::CloudWatch::Alarm").values()
        if each["Namespace"] == "AWS/States"
    }

    assert watched == {
        (name, machine[: len("ControllerMachinesOperation")])
        for name in ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted")
        for machine in ("ControllerMachinesOperation", "ControllerMachinesRetirement")
    } - {("ExecutionsTimedOut", "ControllerMachinesRetirement"[: len("ControllerMachinesOperation")])}


@pytest.mark.parametrize("name", [metrics.PAUSED, metrics.LAUNCHES_TODAY])
def test_what_the_monitor_says_of_the_deployment_is_noticed(
    active_passive: dict[str, Any],
    environment: dict[str, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    """A14: nothing stays disarmed unnoticed."""
    use(monkeypatch, environment["monitor"])
    Report(deployment=DEPLOYMENT, logger=Logger()).deployment_seen(
        DeploymentView(), common_cause=False, shared_zones={}
    )
    alarm = alarms(active_passive)[name]

    assert dimensions(alarm) == written(capsys.readouterr().out, name)
    assert alarm["Statistic"] == "Maximum"
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert alarm["Threshold"] == (Policy().launches_per_day if name == metrics.LAUNCHES_TODAY else 1)
    assert (alarm["EvaluationPeriods"], alarm["TreatMissingData"]) == (1, "notBreaching")


def test_a_shared_availability_zone_is_noticed_where_there_are_two_managed_clusters(
    active_passive: dict[str, Any], two_managed_clusters: dict[str, Any]
) -> None:
    """A2: until one of them has moved away the end of one AZ takes both."""
    assert metrics.AVAILABILITY_ZONES_SHARED not in alarms(active_passive)
    alarm = alarms(two_managed_clusters)[metrics.AVAILABILITY_ZONES_SHARED]
    assert dimensions(alarm) == {metrics.DEPLOYMENT_DIMENSION: LONGEST_DEPLOYMENT}
    assert (alarm["Statistic"], alarm["Threshold"], alarm["TreatMissingData"]) == ("Maximum", 1, "notBreaching")
    assert '"kind": "switchover"' in description(alarm)


def test_a_common_cause_is_noticed_where_there_are_two_managed_clusters(
    active_passive: dict[str, Any], two_managed_clusters: dict[str, Any]
) -> None:
    """One alone has nothing in common with another, so that its alarm could never begin."""
    assert metrics.COMMON_CAUSE not in alarms(active_passive)
    assert dimensions(alarms(two_managed_clusters)[metrics.COMMON_CAUSE]) == {
        metrics.DEPLOYMENT_DIMENSION: LONGEST_DEPLOYMENT
    }
    assert '"action": "pause"' in description(alarms(two_managed_clusters)[metrics.COMMON_CAUSE])


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


def test_that_nothing_mends_a_managed_cluster_is_noticed_after_an_hour(
    active_passive: dict[str, Any],
    environment: dict[str, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A14: as when EMR does not say whether a person ended it, for which there is neither operation nor incident."""
    use(monkeypatch, environment["monitor"])
    Report(deployment=DEPLOYMENT, logger=Logger()).judged("a", "g1", Judgement(verdict=Verdict.UNHEALTHY, reason="r"))
    alarm = alarms(active_passive)[metrics.VERDICT_UNHEALTHY]

    assert dimensions(alarm) == written(capsys.readouterr().out, metrics.VERDICT_UNHEALTHY)
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Minimum", 1)
    assert (alarm["EvaluationPeriods"], alarm["Period"]) == (60, 60)
    assert alarm["EvaluationPeriods"] * 60 > OPERATION_LIMIT_SECONDS
    assert (alarm["ComparisonOperator"], alarm["TreatMissingData"]) == (
        "GreaterThanOrEqualToThreshold",
        "notBreaching",
    )


def test_a_prober_without_a_voice_is_noticed_after_a_quarter_of_an_hour(
    active_passive: dict[str, Any],
    environment: dict[str, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A11: without all of them the failure of an AZ cannot be answered, and nothing else would tell."""
    use(monkeypatch, environment["monitor"])
    Report(deployment=DEPLOYMENT, logger=Logger()).probers_heard(["prober:a"])
    alarm = alarms(active_passive)[metrics.PROBERS_HEARD]
    functions = resources(active_passive, "AWS::Lambda::Function").values()

    assert dimensions(alarm) == written(capsys.readouterr().out, metrics.PROBERS_HEARD)
    assert (alarm["Statistic"], alarm["ComparisonOperator"]) == ("Maximum", "LessThanThreshold")
    assert alarm["Threshold"] == len([each for each in functions if "-prober-" in each["FunctionName"]])
    assert (alarm["EvaluationPeriods"], alarm["Period"], alarm["TreatMissingData"]) == (15, 60, "notBreaching")


def test_a_range_of_ids_that_is_nearly_used_up_is_noticed(
    active_passive: dict[str, Any],
    environment: dict[str, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A minute in which it is not known changes nothing: the alarm neither begins nor ends."""
    use(monkeypatch, environment["reconcile"])
    client: Any = None
    Notices(client=client, topic="", deployment=DEPLOYMENT).share(metrics.IDS_USED, managed_cluster="a", percent=80)
    alarm = alarms(active_passive)[metrics.IDS_USED]

    assert dimensions(alarm) == written(capsys.readouterr().out, metrics.IDS_USED)
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Maximum", 80)
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert (alarm["EvaluationPeriods"], alarm["Period"], alarm["TreatMissingData"]) == (1, 60, "ignore")
    assert "answered 410" in description(alarm)


def test_that_the_topic_refuses_is_said_to_show_in_the_console_only(active_passive: dict[str, Any]) -> None:
    """B3: its own message goes to that topic."""
    assert "only the CloudWatch console shows it" in description(alarms(active_passive)[metrics.NOTICES_REFUSED])


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
    topic = sns.Topic(stack, "Topic")
    made = Alarms(stack, "Alarms", deployment="dep", managed_clusters=["a", "b"], alert_topic=topic)
    made.watch_restraints(launches_per_day=3)
    found = resources(templates(app)["Stack"], "AWS::CloudWatch::Alarm").values()

    assert [each["Threshold"] for each in found if each["MetricName"] == metrics.LAUNCHES_TODAY] == [3]
    assert len([each for each in found if each["MetricName"] == metrics.FAILOVER_BLOCKED]) == 2


def test_who_cannot_tell_is_sent_to_the_probers_that_there_are(tmp_path: Path) -> None:
    """Of two AZs there is no third one."""
    app = new_app(tmp_path)
    stack = Stack(app, "Stack")
    made = Alarms(stack, "Alarms", deployment="dep", managed_clusters=["a"], alert_topic=sns.Topic(stack, "Topic"))
    made.watch_monitor(probers=2)
    found = alarms(templates(app)["Stack"])

    assert "dep-prober-1 to 2 and" in description(found[metrics.VERDICT_UNKNOWN])


def test_errors_of_functions_that_nobody_waits_for_are_noticed(active_passive: dict[str, Any]) -> None:
    watched = {
        str(each["Dimensions"][0]["Value"]["Ref"]).rpartition("Function")[0]
        for each in resources(active_passive, "AWS::CloudWatch::Alarm").values()
        if (each["Namespace"], each["MetricName"]) == ("AWS/Lambda", "Errors")
    }

    assert watched == {"ControllerExecutionEnded", "ControllerManagedCluster"}


def description(alarm: dict[str, Any]) -> str:
    """The text with partition, region, account and queues as long as they may be."""
    text = alarm["AlarmDescription"]
    if isinstance(text, str):
        return text
    known = {
        "AWS::Partition": "aws-us-gov",
        "AWS::Region": "ap-southeast-2",
        "AWS::AccountId": "123456789012",
    }
    # A name of a queue may have 80 characters.
    queue = f"https://sqs.ap-southeast-2.amazonaws.com/123456789012/{'q' * 80}"
    separator, parts = text["Fn::Join"]
    return str(separator).join(part if isinstance(part, str) else known.get(part["Ref"], queue) for part in parts)


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


def test_no_alarm_says_more_than_cloudwatch_keeps(two_managed_clusters: dict[str, Any]) -> None:
    """PutMetricAlarm refuses a longer description, and the deploy fails: whatever the names."""
    texts = [description(each) for each in resources(two_managed_clusters, "AWS::CloudWatch::Alarm").values()]

    assert len(texts) > 30
    assert [text for text in texts if len(text) > LONGEST_DESCRIPTION] == []


@pytest.mark.parametrize(
    ("name", "command"),
    [
        (metrics.FAILOVER_BLOCKED, '"action": "acknowledge"'),
        (metrics.FAILOVER_BLOCKED, '"kind": "failover"'),
        (metrics.PAUSED, '"action": "resume"'),
        (metrics.ORPHANS, '"action": "pause"'),
        (metrics.MONITOR_HEARTBEAT, '"kind": "failover"'),
        (metrics.LAUNCHES_TODAY, '"action": "show"'),
        (metrics.ATTEMPTS_EXHAUSTED, '"kind": "failover"'),
        (metrics.TERMINATED_BY_A_PERSON, '"kind": "failover"'),
        (metrics.VERDICT_UNKNOWN, '"kind": "failover"'),
        (metrics.VERDICT_UNHEALTHY, '"kind": "failover"'),
        (metrics.SERVING_UNSEEDED, '"kind": "switchover"'),
        (metrics.IDS_USED, '"kind": "switchover"'),
    ],
)
def test_an_alarm_that_asks_for_a_word_gives_the_command(
    active_passive: dict[str, Any], name: str, command: str
) -> None:
    assert command in description(alarms(active_passive)[name])
