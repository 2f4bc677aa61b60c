"""What the runbook tells a person to type, against the code that has to understand it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jmespath  # type: ignore[import-untyped]
import pytest

from dr_core import metrics
from dr_core.record import Incarnation
from dr_core.requests import read_by_hand
from dr_core.steps import ROLL_BACK, OperationStep, RetirementStep
from failover.control import control

from .world import World

RUNBOOK = (Path(__file__).resolve().parents[3] / "docs" / "runbook.md").read_text(encoding="utf-8")
COMMANDS = "".join(re.findall(r"```\n(.*?)```", RUNBOOK, re.DOTALL))
# What is pasted into a shell first.
BEGINNING = RUNBOOK.split("```")[1]
STRATEGIES = {"ActivePassive": "emr-dr-active-passive", "ActiveActive": "emr-dr-active-active"}
# Stands for the command of that name: answers for outputs, and writes down whatever else it is asked.
AWS = """
aws() {
  case "$*" in
    "cloudformation describe-stacks --stack-name "*) case "$4 $*" in
      *"'OperationStateMachine'"*) echo "machine-of-$4" ;;
      "ActivePassive "*"'ControlFunction'"*) echo emr-dr-active-passive-control ;;
      "ActiveActive "*"'ControlFunction'"*) echo emr-dr-active-active-control ;;
    esac ;;
    *) echo "$*" >>"$ASKED" ;;
  esac
}
"""


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


@pytest.mark.parametrize("stack", STRATEGIES)
def test_every_output_that_is_asked_for_exists(assembly: Path, stack: str) -> None:
    asked = re.findall(r"\$\(output (\S+) (\w+)\)", RUNBOOK)

    assert {whose for whose, _ in asked} == {'"$STACK"', "Platform"}
    for whose, name in asked:
        assert name in template(assembly, stack if whose == '"$STACK"' else whose)["Outputs"]
    assert len({name for _, name in asked}) == 5


def test_one_word_chooses_the_strategy() -> None:
    """B13: whoever is paged for one strategy and left a word would run a failover of the other one."""
    lines = [line for line in COMMANDS.splitlines() if not line.startswith("#")]

    assert [line for line in lines if re.search("Active|-active-", line)] == ["STACK=ActivePassive"]
    assert "--stack-name Active" not in RUNBOOK


def test_nothing_that_is_pasted_has_a_comment() -> None:
    """An interactive zsh takes it for a command, or for arguments; an apostrophe in it waits for another one."""
    assert not re.findall(r"(?:^|\s)# .*", COMMANDS)


@pytest.mark.parametrize("stack", STRATEGIES)
def test_all_commands_act_on_the_strategy_that_is_chosen(tmp_path: Path, stack: str) -> None:
    said, asked = shell(tmp_path, stack, "control '{}'; operate '{}'")

    assert said == f"You act on {STRATEGIES[stack]}"
    assert f"lambda invoke --function-name {STRATEGIES[stack]}-control " in asked
    assert f"--state-machine-arn machine-of-{stack} " in asked


def test_that_nobody_knows_the_deployment_is_said_loudly(tmp_path: Path) -> None:
    said, _ = shell(tmp_path, "Another", "true")

    assert said.startswith("You act on NOTHING: ")


@pytest.mark.parametrize("stack", STRATEGIES)
def test_the_output_that_the_name_is_made_of_is_the_name_of_the_control_function(assembly: Path, stack: str) -> None:
    made = template(assembly, stack)

    function = made["Resources"][made["Outputs"]["ControlFunction"]["Value"]["Ref"]]
    assert function["Properties"]["FunctionName"] == f"{STRATEGIES[stack]}-control"


@pytest.mark.parametrize(
    ("stack", "words", "count"),
    [
        ("ActivePassive", "SlotsGroup", 5),
        ("ActivePassive", "ResourceManagerA", 1),
        ("ActivePassive", "NameNodeA", 1),
        ("ActiveActive", "SlotsGroup", 7),
        ("ActiveActive", "ResourceManagerB", 1),
        ("ActiveActive", "NameNodeB", 1),
    ],
)
def test_groups_that_are_asked_for_by_logical_id_are_found(assembly: Path, stack: str, words: str, count: int) -> None:
    """Part 6, by the query of its shell function ``groups``."""
    assert re.search(rf"\bgroups {words}\b", RUNBOOK)
    assert len(found_groups(template(assembly, stack), words)) == count


@pytest.mark.parametrize(("words", "count"), [("SlotsGroup", 5), ("ResourceManagerA", 1), ("NameNodeA", 1)])
def test_groups_are_found_with_certificates_up_to_the_clusters(
    encrypted: tuple[Path, dict[str, Any], list[str]], words: str, count: int
) -> None:
    """Those of the slots have other logical ids then."""
    _, made, _ = encrypted

    assert len(found_groups(made["ActivePassive"], words)) == count


@pytest.mark.parametrize("stack", STRATEGIES)
def test_the_record_is_found_by_logical_id(assembly: Path, stack: str) -> None:
    (table,) = jmespath.search(query_of("RECORD="), summaries(template(assembly, stack)))

    assert table.startswith("TablesRecord")


def test_the_record_is_asked_for_what_it_has() -> None:
    """Part 6, where it is asked for incarnations."""
    fields = re.findall(r"(\w+)\.[NS]\b", RUNBOOK[RUNBOOK.index("Items[]") :].partition("'")[0])

    assert fields == ["generation", "state", "cluster_id", "primary_address", "availability_zone"]
    assert set(fields) <= Incarnation.__dataclass_fields__.keys()
    assert f'"S": "{Incarnation.KIND}"' in RUNBOOK


def test_a_livy_that_could_issue_ids_twice_is_not_restarted_by_hand() -> None:
    """The product refuses it as well: ``dr_core.repair_plan``."""
    before = RUNBOOK[RUNBOOK.index("1. **Livy alone is sick.**") : RUNBOOK.index("RESTART=")]

    assert f"Not if the alarm `{metrics.SERVING_UNSEEDED}` rang" in before


def test_no_shell_takes_a_command_for_a_word_of_its_history() -> None:
    """In an interactive bash ``!word`` is one, in double quotes too."""
    assert "! contains" in COMMANDS
    assert re.findall(r"![^\s=(]", COMMANDS) == []


def shell(folder: Path, stack: str, words: str) -> tuple[str, str]:
    """What the beginning says with *stack* chosen, and what AWS is asked when *words* are typed after it."""
    asked = folder / "asked"
    asked.touch()
    pasted = BEGINNING.replace("STACK=ActivePassive\n", f"STACK={stack}\n")
    assert f"STACK={stack}\n" in pasted
    ended = subprocess.run(
        ["bash", "-c", f"{AWS}\n{pasted}\n{words}"],
        env={**os.environ, "ASKED": str(asked)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return ended.stdout.splitlines()[0], asked.read_text(encoding="utf-8")


def template(assembly: Path, stack: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((assembly / f"{stack}.template.json").read_text(encoding="utf-8"))
    return found


def query_of(beginning: str) -> str:
    """The query of the first command after *beginning*, as a shell passes it on."""
    return RUNBOOK[RUNBOOK.index(beginning) :].partition("--query")[2].split('"')[1].replace("\\\n", "")


def found_groups(template: Mapping[str, Any], words: str) -> list[str]:
    found: list[str] = jmespath.search(query_of("groups() {").replace("$1", words), summaries(template))
    return found


def summaries(template: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
    """The resources of a stack as CloudFormation lists them, each by its logical id."""
    return {
        "StackResourceSummaries": [
            {"ResourceType": each["Type"], "LogicalResourceId": name, "PhysicalResourceId": name}
            for name, each in template["Resources"].items()
        ]
    }


def test_every_state_of_the_machines_is_explained() -> None:
    for step in (*OperationStep, ROLL_BACK):
        assert f"\n| `{step}` | " in RUNBOOK
    for step in RetirementStep:
        assert f"`{step}`" in RUNBOOK
