"""The machines as they are deployed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emr_dr.state_machine_definitions import operation_definition, retirement_definition

from ..synthesis import resources, statements

FUNCTION = "FUNCTION"


def machine(template: dict[str, Any], name: str) -> dict[str, Any]:
    """The machine whose name ends with *name*."""
    found = resources(template, "AWS::StepFunctions::StateMachine").values()
    return next(each for each in found if each["StateMachineName"] == f"emr-dr-active-passive-{name}")


def definition(properties: dict[str, Any]) -> Any:
    """The definition as Step Functions gets it in partition ``aws``, region ``R`` and account ``A``."""
    known = {"AWS::Partition": "aws", "AWS::Region": "R", "AWS::AccountId": "A"}
    separator, parts = properties["DefinitionString"]["Fn::Join"]
    return json.loads(separator.join(part if isinstance(part, str) else known[part["Ref"]] for part in parts))


@pytest.mark.parametrize(
    ("name", "expected"), [("operation", operation_definition), ("retirement", retirement_definition)]
)
def test_machine_calls_the_failover_function(active_passive: dict[str, Any], name: str, expected: Any) -> None:
    assert definition(machine(active_passive, name)) == expected(
        invoke_resource="arn:aws:states:::lambda:invoke",
        function_arn="arn:aws:lambda:R:A:function:emr-dr-active-passive-failover",
    )


@pytest.mark.parametrize("name", ["operation", "retirement"])
def test_every_event_is_logged_without_its_data(active_passive: dict[str, Any], name: str) -> None:
    logging = machine(active_passive, name)["LoggingConfiguration"]

    assert logging["Level"] == "ALL"
    assert logging["IncludeExecutionData"] is False


@pytest.mark.parametrize("name", ["operation", "retirement"])
def test_executions_are_traced(active_passive: dict[str, Any], name: str) -> None:
    assert machine(active_passive, name)["TracingConfiguration"] == {"Enabled": True}


@pytest.mark.parametrize("name", ["Operation", "Retirement"])
def test_machine_may_call_the_failover_function_alone(active_passive: dict[str, Any], name: str) -> None:
    found = statements(active_passive, role=f"ControllerMachines{name}Role")
    calls = [str(each["Resource"]) for each in found if each["Action"] == "lambda:InvokeFunction"]

    assert len(calls) == 1
    assert calls[0].endswith(":function:emr-dr-active-passive-failover']]}")
