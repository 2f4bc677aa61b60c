"""What the runbook tells a person to type, against the code that has to understand it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jmespath  # type: ignore[import-untyped]
import pytest

from dr_core.record import Incarnation
from dr_core.requests import read_by_hand
from dr_core.steps import ROLL_BACK, OperationStep, RetirementStep
from failover.control import control

from .world import World

RUNBOOK = (Path(__file__).resolve().parents[3] / "docs" / "runbook.md").read_text(encoding="utf-8")


def typed(function: str) -> list[dict[str, Any]]:
    """The payloads that the runbook gives to one of its shell functions."""
    return [json.loads(payload) for payload in re.findall(rf"\b{function} '({{.*?}})'", RUNBOOK)]


@pytest.mark.parametrize("event", typed("control"), ids=lambda event: str(event["action"]))
def test_a_word_is_understood(world: World, event: dict[str, Any]) -> None:
    control(world.deployment, event)


@pytest.mark.parametrize("data", typed("operate"), ids=lambda data: str(data["request"]["kind"]))
def test_a_request_is_understood(data: dict[str, Any]) -> None:
    request = read_by_hand(data["request"], execution_name="by-hand")

    assert request.by_hand


def test_every_word_and_every_kind_is_there() -> None:
    assert {event["action"] for event in typed("control")} == {"show", "pause", "resume", "acknowledge"}
    assert {data["request"]["kind"] for data in typed("operate")} == {"failover", "repair", "switchover"}


def test_an_evacuation_and_the_way_back_are_there() -> None:
    """B13: an operator in a hurry does not read a schema."""
    asked = {
        (each["kind"], each["reason"], each.get("drain")) for each in (data["request"] for data in typed("operate"))
    }

    assert asked >= {
        ("switchover", "evacuation", None),
        ("switchover", "evacuation", "now"),
        ("failover", "evacuation", None),
        ("switchover", "failback", None),
    }


def test_every_output_that_is_asked_for_exists(assembly: Path) -> None:
    asked = set(re.findall(r"\boutput (ActivePassive|Platform) (\w+)", RUNBOOK))
    outputs = {
        (stack, name)
        for stack in ("ActivePassive", "Platform")
        for name in json.loads((assembly / f"{stack}.template.json").read_text(encoding="utf-8"))["Outputs"]
    }

    assert len(asked) == 4
    assert asked <= outputs


@pytest.mark.parametrize(
    ("prefix", "count"),
    [("FrontDoorSlotsGroup", 5), ("FrontDoorResourceManagerA", 1), ("FrontDoorNameNodeA", 1)],
)
def test_groups_that_are_asked_for_by_logical_id_are_found(assembly: Path, prefix: str, count: int) -> None:
    """Part 6, by the query of its shell function ``groups``."""
    query = RUNBOOK[RUNBOOK.index("groups() {") :].split('"')[1].replace("\\\n", "").replace("$1", prefix)

    assert f"groups {prefix})" in RUNBOOK
    assert len(jmespath.search(query, {"StackResourceSummaries": summaries(assembly)})) == count


def test_the_record_is_found_by_logical_id(assembly: Path) -> None:
    """Part 6, where it is asked for incarnations with the fields that it has."""
    query = RUNBOOK[RUNBOOK.index("RECORD=") :].split('"')[1]
    fields = re.findall(r"(\w+)\.[NS]\b", RUNBOOK[RUNBOOK.index("Items[]") :].partition("'")[0])

    (table,) = jmespath.search(query, {"StackResourceSummaries": summaries(assembly)})
    assert table.startswith("TablesRecord")
    assert fields == ["generation", "state", "cluster_id", "primary_address", "availability_zone"]
    assert set(fields) <= Incarnation.__dataclass_fields__.keys()
    assert f'"S": "{Incarnation.KIND}"' in RUNBOOK


def test_no_shell_takes_a_command_for_a_word_of_its_history() -> None:
    """In an interactive bash ``!word`` is one, in double quotes too."""
    commands = "".join(re.findall(r"```\n(.*?)```", RUNBOOK, re.DOTALL))

    assert "! contains" in commands
    assert re.findall(r"![^\s=(]", commands) == []


def summaries(assembly: Path) -> list[dict[str, str]]:
    """The resources of the stack as CloudFormation lists them, each by its logical id."""
    found = json.loads((assembly / "ActivePassive.template.json").read_text(encoding="utf-8"))["Resources"]
    return [
        {"ResourceType": each["Type"], "LogicalResourceId": name, "PhysicalResourceId": name}
        for name, each in found.items()
    ]


def test_every_state_of_the_machines_is_explained() -> None:
    for step in (*OperationStep, ROLL_BACK):
        assert f"\n| `{step}` | " in RUNBOOK
    for step in RetirementStep:
        assert f"`{step}`" in RUNBOOK
