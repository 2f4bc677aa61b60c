"""The rules together."""

from __future__ import annotations

import json
import re
from pathlib import Path

from emr_dr.own_rules.catalogue import RULES
from emr_dr.own_rules.model import findings

FOLDER = Path(__file__).parent


def test_names_are_words_and_of_one_rule() -> None:
    names = [rule.name for rule in RULES]

    assert len(set(names)) == len(names) >= 15
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)


def test_every_rule_says_what_it_asks_and_what_to_do() -> None:
    assert all(rule.asks and rule.remedy and rule.kinds for rule in RULES)


def test_every_rule_has_examples() -> None:
    """One that passes and one that fails, in the module that belongs to its own."""
    text = "".join(file.read_text(encoding="utf-8") for file in FOLDER.glob("test_*.py"))

    assert [rule.name for rule in RULES if f'"{rule.name}"' not in text] == []


def test_nothing_is_found_in_our_templates_but_what_is_acknowledged(assembly: Path) -> None:
    """B8; the evidence of minutes goes with its stack."""
    left = {
        (file.name, each.rule.name, each.logical_id[:14])
        for file in assembly.rglob("*.template.json")
        for each in findings(json.loads(file.read_text("utf-8")), RULES)
    }

    assert {file.name for file in assembly.rglob("*.template.json")} >= {"Incarnation.template.json"}
    assert left == {
        ("ActiveActive.template.json", "stateful-kept", "TablesEvidence"),
        ("ActivePassive.template.json", "stateful-kept", "TablesEvidence"),
    }
