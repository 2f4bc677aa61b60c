"""Rules pass events on, each target gets what its transformer makes of the event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from emr_drill.stand_in.event_bus import target_input

from .fakes import ROLE, FakeStandIn, fake_stand_in, wait_until

EVENT = {
    "version": "0",
    "detail-type": "Change",
    "source": "aws.example",
    "resources": ["arn:one"],
    "detail": {"status": "FAILED", "count": 2, "text": 'say "so"', "deep": {"list": [1]}},
}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({}, EVENT),
        ({"Input": '{"constant": true}'}, {"constant": True}),
        ({"InputPath": "$.detail"}, EVENT["detail"]),
        ({"InputPath": "$.detail.absent"}, None),
    ],
)
def test_what_a_target_receives(target: dict[str, Any], expected: Any) -> None:
    assert json.loads(target_input(target, EVENT)) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{"status": <status>}', {"status": "FAILED"}),
        ('{"status": "<status>"}', {"status": "FAILED"}),
        ('{"text": "it is <status>, <text>"}', {"text": 'it is FAILED, say "so"'}),
        ('{"count": <count>, "deep": <deep>}', {"count": 2, "deep": {"list": [1]}}),
        ('{"absent": <absent>}', {"absent": None}),
        ('{"whole": <aws.events.event.json>}', {"whole": EVENT}),
        ('"<status> <other>"', "FAILED <other>"),
    ],
)
def test_what_a_template_makes_of_an_event(template: str, expected: Any) -> None:
    paths = {
        "status": "$.detail.status",
        "text": "$.detail.text",
        "count": "$.detail.count",
        "deep": "$.detail.deep",
        "absent": "$.detail.no.such",
    }
    target = {"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}
    assert json.loads(target_input(target, EVENT)) == expected


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[FakeStandIn]:
    with fake_stand_in(tmp_path) as made:
        yield made


def put_rule(stand_in: FakeStandIn, arn: str, *, state: str = "ENABLED", **target: Any) -> None:
    events = stand_in.client("events")
    events.put_rule(Name="rule", EventPattern=json.dumps({"source": ["aws.example"]}), State=state)
    events.put_targets(Rule="rule", Targets=[{"Id": "one", "Arn": arn, **target}])


def publish(stand_in: FakeStandIn, **detail: Any) -> None:
    stand_in.event_bus.publish(source="aws.example", detail_type="Change", detail=detail, resources=["arn:one"])


def test_a_function_is_invoked(stand_in: FakeStandIn, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = (
        f"import json, pathlib\ndef handler(event, context): pathlib.Path({str(mark)!r}).write_text(json.dumps(event))"
    )
    put_rule(stand_in, stand_in.deploy("f", code))
    publish(stand_in, status="FAILED")
    wait_until(lambda: mark.exists() and mark.read_text())
    event = json.loads(mark.read_text())
    assert (event["source"], event["detail"], event["resources"]) == ("aws.example", {"status": "FAILED"}, ["arn:one"])
    assert event["time"].endswith("Z")


def test_a_state_machine_is_started(stand_in: FakeStandIn) -> None:
    definition = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
    arn = stand_in.client("stepfunctions").create_state_machine(
        name="m", definition=json.dumps(definition), roleArn=ROLE
    )["stateMachineArn"]
    put_rule(stand_in, arn, InputPath="$.detail")
    publish(stand_in, status="FAILED")
    wait_until(lambda: stand_in.state_machines.executions("m"))
    assert stand_in.state_machines.executions("m")[0].input == {"status": "FAILED"}


def test_a_topic_is_told(stand_in: FakeStandIn) -> None:
    """A13: what people would be told is in the journal."""
    topic = stand_in.client("sns").create_topic(Name="alerts")["TopicArn"]
    put_rule(stand_in, topic, Input='"text"')
    publish(stand_in)
    wait_until(lambda: stand_in.journal)
    assert stand_in.journal[0]["message"] == '"text"'


def test_a_disabled_rule_passes_nothing_on(stand_in: FakeStandIn) -> None:
    topic = stand_in.client("sns").create_topic(Name="alerts")["TopicArn"]
    put_rule(stand_in, topic, state="DISABLED")
    put_rule_of_all(stand_in, topic)
    publish(stand_in)
    wait_until(lambda: stand_in.journal)
    assert [entry["message"] for entry in stand_in.journal] == ["all"]


def test_a_rule_with_a_schedule_passes_nothing_on(stand_in: FakeStandIn) -> None:
    topic = stand_in.client("sns").create_topic(Name="alerts")["TopicArn"]
    events = stand_in.client("events")
    events.put_rule(Name="scheduled", ScheduleExpression="rate(1 minute)")
    events.put_targets(Rule="scheduled", Targets=[{"Id": "one", "Arn": topic, "Input": '"scheduled"'}])
    put_rule_of_all(stand_in, topic)
    publish(stand_in)
    wait_until(lambda: stand_in.journal)
    assert [entry["message"] for entry in stand_in.journal] == ["all"]


def put_rule_of_all(stand_in: FakeStandIn, topic: str) -> None:
    """A rule whose delivery shows that the other rules have had their turn: targets of one event start in order."""
    events = stand_in.client("events")
    events.put_rule(Name="zzz-all", EventPattern=json.dumps({"source": [{"prefix": ""}]}))
    events.put_targets(Rule="zzz-all", Targets=[{"Id": "one", "Arn": topic, "Input": "all"}])


def test_an_event_of_a_client_has_the_drills_time(stand_in: FakeStandIn) -> None:
    queue = stand_in.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    put_rule(stand_in, "arn:aws:sqs:us-east-1:123456789012:q", InputPath="$.time")
    stand_in.clock.sleep(40)
    stand_in.client("events").put_events(Entries=[{"Source": "aws.example", "DetailType": "Change", "Detail": "{}"}])
    found: list[Any] = []

    def look() -> bool:
        found.extend(stand_in.client("sqs").receive_message(QueueUrl=queue).get("Messages", []))
        return bool(found)

    wait_until(look)
    expected = stand_in.clock.origin + 40
    assert datetime.fromisoformat(json.loads(found[0]["Body"])).timestamp() >= int(expected)


def test_targets_that_moto_serves_are_left_to_it(stand_in: FakeStandIn) -> None:
    logs = stand_in.client("logs")
    logs.create_log_group(logGroupName="group")
    put_rule(stand_in, "arn:aws:logs:us-east-1:123456789012:log-group:group")
    publish(stand_in)
    assert logs.describe_log_streams(logGroupName="group")["logStreams"]
