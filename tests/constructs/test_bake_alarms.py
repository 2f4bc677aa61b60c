"""B13: the alarms that a change waits for are read by name, by one function."""

from __future__ import annotations

from typing import Any

from aws_cdk import App, Stack

from emr_dr.controller_permissions import alarm_reading


def read(*names: str) -> list[Any]:
    stack = Stack(App(), "Stack")
    return [stack.resolve(each.to_statement_json()) for each in alarm_reading(stack, names)]


def test_only_the_named_alarms_are_read() -> None:
    (statement,) = read("etl-failed", "other")
    tails = [each["Fn::Join"][1][-1] for each in statement["Resource"]]

    assert statement["Action"] == "cloudwatch:DescribeAlarms"
    assert tails == [":alarm:etl-failed", ":alarm:other"]


def test_without_alarms_nothing_is_allowed() -> None:
    assert read() == []
