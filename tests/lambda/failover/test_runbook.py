"""What the runbook tells a person to type, against the code that has to understand it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

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


def test_every_output_that_is_asked_for_exists(assembly: Path) -> None:
    asked = set(re.findall(r"\boutput (ActivePassive|Platform) (\w+)", RUNBOOK))
    outputs = {
        (stack, name)
        for stack in ("ActivePassive", "Platform")
        for name in json.loads((assembly / f"{stack}.template.json").read_text(encoding="utf-8"))["Outputs"]
    }

    assert len(asked) == 4
    assert asked <= outputs


def test_every_state_of_the_machines_is_explained() -> None:
    for step in (*OperationStep, ROLL_BACK):
        assert f"\n| `{step}` | " in RUNBOOK
    for step in RetirementStep:
        assert f"`{step}`" in RUNBOOK
