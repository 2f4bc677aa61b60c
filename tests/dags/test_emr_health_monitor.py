"""The monitor as a DAG: the monitor's rules, the same operation, and never a second one (A11, A12)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dr_core.requests import OperationRequest, is_the_products

from .conftest import Told
from .deployments import BESIDE, GIVEN_UP, LEASED, PAUSED, SICK, UPGRADE, WELL
from .files import DAGS


def found(told: Told, deployment: str) -> dict[str, Any]:
    """What was found of the managed cluster ``a``, and done."""
    (entry,) = (each for each in told["runs"]["monitor-called"]["calls"][deployment] if each["managed_cluster"] == "a")
    assert isinstance(entry, dict)
    return entry


def test_it_is_off_until_somebody_turns_it_on_and_says_why(loaded: Told) -> None:
    monitor = loaded["dags"]["emr_health_monitor"]

    assert monitor["paused"] is True
    assert "It is off, and most deployments should leave it so" in monitor["documentation"]
    assert (monitor["scheduled"], monitor["active_runs"]) == (True, 1)


def test_health_asks_for_nothing(told: Told) -> None:
    assert (found(told, WELL)["verdict"], found(told, WELL)["operation"]) == ("healthy", "")
    assert told["executions"][WELL] == []


def test_it_starts_the_operation_that_the_monitor_would_start(told: Told) -> None:
    """A12: as the product's own, so that the machine's second look and limits hold."""
    (execution,) = told["executions"][SICK]
    request = execution["input"]["request"]

    assert told["runs"]["monitor"]["state"] == "success", told["runs"]["monitor"]["log"][-3000:]
    assert is_the_products(request, execution_name=execution["name"])
    read = OperationRequest.from_dict(request)
    assert (read.kind, read.reason, read.managed_cluster) == ("failover", "unhealthy", "a")


def test_two_that_look_at_once_start_one(told: Told) -> None:
    """By the same name, with the same text: Step Functions takes the second for the first."""
    (execution,) = told["executions"][SICK]

    assert found(told, SICK)["operation"] == execution["name"]
    assert told["runs"]["monitor"]["xcoms"]["return_value"][0]["operation"] == execution["name"]


@pytest.mark.parametrize(
    ("deployment", "reason"), [(LEASED, "another operation holds the lease"), (BESIDE, "works on managed cluster b")]
)
def test_it_starts_nothing_while_an_operation_runs(told: Told, deployment: str, reason: str) -> None:
    entry = found(told, deployment)

    assert (entry["verdict"], entry["operation"]) == ("unhealthy", "")
    assert reason in entry["reason"]
    assert [each["name"] for each in told["executions"][deployment]] == [UPGRADE]


def test_a_pause_holds_for_it(told: Told) -> None:
    assert "automatic operations are paused" in found(told, PAUSED)["reason"]
    assert told["executions"][PAUSED] == []


def test_it_calls_a_person_when_three_operations_did_not_mend_it(told: Told) -> None:
    answer = told["runs"]["monitor-called"]["calls"][GIVEN_UP]

    assert answer.startswith("AirflowException: a person is needed")
    assert told["executions"][GIVEN_UP] == []


def test_a_deployment_that_is_not_there_is_no_healthy_one(told: Told) -> None:
    assert "ResourceNotFoundException" in told["runs"]["monitor-called"]["calls"]["nothing"]


def test_it_needs_the_rights_that_it_names_and_no_other(told: Told) -> None:
    text = (DAGS / "emr_health_monitor.py").read_text()
    lines = re.findall(r"^    ((?:[a-z]+:[A-Z]\w+(?:, )?)+)\s", text, flags=re.MULTILINE)
    named = {action for line in lines for action in line.split(", ")}
    runs = told["runs"]

    assert named == {*runs["monitor"]["watched"], *runs["monitor-called"]["watched"]}
