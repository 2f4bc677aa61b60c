"""Messages and metrics reach the journal."""

from __future__ import annotations

import json
from pathlib import Path

from emr_drill.stand_in.notifications import metrics

from .fakes import fake_stand_in

LINE = {
    "_aws": {
        "Timestamp": 1_700_000_000_500,
        "CloudWatchMetrics": [
            {
                "Namespace": "EmrDr",
                "Dimensions": [["service", "managed_cluster"]],
                "Metrics": [{"Name": "Recovery", "Unit": "Seconds"}, {"Name": "Attempts"}],
            }
        ],
    },
    "service": "emr-dr",
    "managed_cluster": "a",
    "Recovery": [512.5],
    "Attempts": 1,
}


def test_a_message_is_in_the_journal(tmp_path: Path) -> None:
    """A13: people are told what happened."""
    with fake_stand_in(tmp_path) as stand_in:
        topic = stand_in.client("sns").create_topic(Name="alerts")["TopicArn"]
        before = stand_in.clock.now()
        stand_in.client("sns").publish(TopicArn=topic, Subject="failed over", Message="a is served by g2")
        (entry,) = stand_in.journal
    assert before <= entry.pop("at")
    assert entry == {
        "kind": "notification",
        "topic": topic,
        "subject": "failed over",
        "message": "a is served by g2",
    }


def test_a_line_of_metrics_becomes_entries() -> None:
    first, second = metrics("failover", json.dumps(LINE))
    assert first == {
        "at": 1_700_000_000.5,
        "kind": "metric",
        "function": "failover",
        "namespace": "EmrDr",
        "name": "Recovery",
        "value": 512.5,
        "unit": "Seconds",
        "dimensions": {"managed_cluster": "a", "service": "emr-dr"},
    }
    assert (second["name"], second["value"], second["unit"]) == ("Attempts", 1, "None")


def test_other_lines_are_no_metrics() -> None:
    lines = ["text", '{"level": "INFO"}', '"_aws" in a text', '{"_aws": {}}', '{"_aws": 1}']
    assert [entry for line in lines for entry in metrics("failover", line)] == []


def test_the_metrics_of_a_function_are_in_the_journal(tmp_path: Path) -> None:
    """A13.  Written by the library that the product uses, in the drill's time."""
    code = """
from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
import time

metrics = Metrics(namespace="EmrDr", service="emr-dr")

@metrics.log_metrics
def handler(event, context):
    time.sleep(50)
    metrics.add_metric(name="Rounds", unit=MetricUnit.Count, value=6)
"""
    with fake_stand_in(tmp_path) as stand_in:
        before = stand_in.clock.now()
        stand_in.deploy("monitor", code)
        stand_in.client("lambda").invoke(FunctionName="monitor")
        (entry,) = [entry for entry in stand_in.journal if entry["kind"] == "metric"]
        after = stand_in.clock.now()
    assert (entry["function"], entry["name"], entry["value"]) == ("monitor", "Rounds", 6.0)
    assert before + 49 <= entry["at"] <= after
