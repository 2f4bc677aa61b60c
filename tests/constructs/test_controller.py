"""The controller's rule for executions that ended badly."""

from __future__ import annotations

from typing import Any

from failover.clients import _PROBERS
from failover.execution_ended import BAD_ENDS

from ..synthesis import only, resources


def test_every_bad_end_of_both_machines_is_handled(active_passive: dict[str, Any]) -> None:
    pattern = only(active_passive, "AWS::Events::Rule")["EventPattern"]

    assert pattern["source"] == ["aws.states"]
    assert pattern["detail-type"] == ["Step Functions Execution Status Change"]
    assert pattern["detail"]["status"] == list(BAD_ENDS)
    machines = [str(each) for each in pattern["detail"]["stateMachineArn"]]
    assert [each.rpartition("-active-passive-")[2] for each in machines] == ["operation']]}", "retirement']]}"]


def test_event_that_cannot_be_delivered_is_kept(active_passive: dict[str, Any]) -> None:
    target = only(active_passive, "AWS::Events::Rule")["Targets"][0]

    assert "ControllerExecutionEndedFunction" in str(target["Arn"])
    assert "ControllerDeadLetters" in str(target["DeadLetterConfig"]["Arn"])


def test_only_the_rule_may_call_the_function(active_passive: dict[str, Any]) -> None:
    permission = only(active_passive, "AWS::Lambda::Permission")

    assert permission["Principal"] == "events.amazonaws.com"
    assert "ExecutionEndedRule" in str(permission["SourceArn"])


def test_events_of_the_controller_are_repeated_when_its_functions_fail(active_passive: dict[str, Any]) -> None:
    """CloudFormation and EventBridge call without waiting; a lost event would leave a stack hanging for an hour."""
    for each in resources(active_passive, "AWS::Lambda::EventInvokeConfig").values():
        if each.get("MaximumRetryAttempts") == 0:
            assert "Controller" not in str(each["FunctionName"])


def test_a_request_that_cloudformation_does_not_wait_for_any_more_is_not_delivered(
    active_passive: dict[str, Any],
) -> None:
    """A13: it would be the latest one that came, and be carried out after the way back from it."""
    (found,) = [
        each
        for each in resources(active_passive, "AWS::Lambda::EventInvokeConfig").values()
        if "ControllerManagedCluster" in str(each["FunctionName"])
    ]
    (resource,) = resources(active_passive, "Custom::EmrManagedCluster").values()

    assert str(found["MaximumEventAgeInSeconds"]) == str(resource["ServiceTimeout"])


def test_step_has_time_to_ask_every_prober(active_passive: dict[str, Any]) -> None:
    """Each prober may take its whole read limit before the next one is asked."""
    functions = resources(active_passive, "AWS::Lambda::Function").values()
    failover = next(each for each in functions if each["FunctionName"] == "emr-dr-active-passive-failover")
    limit = vars(_PROBERS)["read_timeout"]

    assert isinstance(limit, int)
    assert failover["Timeout"] > 3 * limit


def test_whoever_asks_how_things_stand_gets_an_answer_before_the_shell_asks_again(
    active_passive: dict[str, Any],
) -> None:
    """A12: the AWS CLI waits for 60 s; services that do not answer take a part of that each."""
    functions = resources(active_passive, "AWS::Lambda::Function").values()
    control = next(each for each in functions if each["FunctionName"] == "emr-dr-active-passive-control")

    assert 50 <= control["Timeout"] < 60
