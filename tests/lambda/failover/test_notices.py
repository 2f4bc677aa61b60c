"""What people are told, and the metrics of a recovery."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from dr_core import metrics
from failover.notices import Notices

from .fakes import FakeTopics
from .parts import CONFIG, DEPLOYMENT
from .world import World


def test_a_message_goes_to_the_alert_topic(world: World) -> None:
    """Its subject begins with whose it is."""
    world.deployment.notices.tell(subject="s", happened="a", done="b", to_do="c")
    (notice,) = world.notices
    assert (notice["topic"], notice["subject"]) == (CONFIG.alert_topic, f"{DEPLOYMENT}: s")


def test_a_long_subject_is_cut(world: World) -> None:
    """SNS takes 100 characters."""
    notices = Notices(client=cast("Any", FakeTopics(world)), topic="t", deployment=DEPLOYMENT)
    notices.tell(subject="x" * 200, happened="a", done="b", to_do="c")
    assert len(world.notices[0]["subject"]) == 100
    assert world.notices[0]["message"] == "What happened: a\n\nWhat was done: b\n\nWhat to do next: c\n"


def test_metrics_are_written_in_seconds(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Embedded metric format on standard output, by managed cluster."""
    world.deployment.notices.measure({"LaunchSeconds": 480.12345}, managed_cluster="a")
    written = json.loads(capsys.readouterr().out)
    assert written["LaunchSeconds"] == [480.123]
    assert (written["service"], written["managed_cluster"]) == (DEPLOYMENT, "a")


def test_no_phases_are_no_metric(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is made up."""
    world.deployment.notices.measure({}, managed_cluster="a")
    assert capsys.readouterr().out == ""


def test_what_happened_is_counted(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """1, with the dimensions that alarms read."""
    world.deployment.notices.count(metrics.FENCE_OVERDUE, managed_cluster="a")
    written = json.loads(capsys.readouterr().out)
    (directive,) = written["_aws"]["CloudWatchMetrics"]
    assert written[metrics.FENCE_OVERDUE] == [1]
    assert directive["Namespace"] == metrics.NAMESPACE
    assert directive["Dimensions"] == [[metrics.DEPLOYMENT_DIMENSION, metrics.MANAGED_CLUSTER_DIMENSION]]
    assert directive["Metrics"] == [{"Name": metrics.FENCE_OVERDUE, "Unit": "Count"}]


def test_a_message_that_is_refused_is_counted(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the deployment: an alarm reaches people on another way."""
    world.broken = {"publish"}
    world.deployment.notices.tell(subject="s", happened="a", done="b", to_do="c")
    (written,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert written[metrics.NOTICES_REFUSED] == [1]
    assert written["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [[metrics.DEPLOYMENT_DIMENSION]]


def test_what_is_of_the_deployment_is_counted_without_a_managed_cluster(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also several at once."""
    world.deployment.notices.count(metrics.ORPHANS, value=3)
    written = json.loads(capsys.readouterr().out)
    assert written[metrics.ORPHANS] == [3]
    assert written["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [[metrics.DEPLOYMENT_DIMENSION]]
