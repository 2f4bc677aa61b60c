"""docs/security.md: what it claims is tested, and what it shows is so."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import yaml

from ..roles import for_people, named
from ..synthesis import REPOSITORY
from .test_permissions import read

PAGE = REPOSITORY / "docs" / "security.md"
CLAIM = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
SECTIONS_WITH_CLAIMS = (
    "Who reaches what",
    "What a malicious job can do",
    "What a stolen role can do",
    "Data at rest",
    "Data in transit",
    "Audit trail",
)


def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def names_in(file: str) -> set[str]:
    tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_claim_points_at_a_test_that_exists() -> None:
    claims = CLAIM.findall(text())

    assert len(claims) > 50
    assert [f"{file}::{test}" for file, test in claims if test not in names_in(file)] == []


def test_every_section_that_claims_something_points_at_tests() -> None:
    sections = {each.partition("\n")[0]: each for each in text().split("\n## ")}

    assert [name for name in SECTIONS_WITH_CLAIMS if len(CLAIM.findall(sections[name])) < 3] == []


def test_the_policy_for_a_key_of_the_owner_is_that_of_ours(assembly: Path) -> None:
    """B8: whoever brings a key has to let in the same services, under the same conditions."""
    shown = json.loads(text().partition("<!-- key policy -->\n```json\n")[2].partition("```")[0])
    made = read(assembly)
    key = made["Platform"]["Resources"][named(made, "Platform", "StorageKey")]
    ours = for_people(made)(key["Properties"]["KeyPolicy"]["Statement"], stack="Platform")

    def comparable(statements: list[dict[str, Any]]) -> list[str]:
        plain = [
            {name: sorted(value) if isinstance(value, list) else value for name, value in each.items() if name != "Sid"}
            for each in statements
        ]
        return sorted(
            json.dumps(each, sort_keys=True).replace("<AccountId>", "ACCOUNT").replace("<Region>", "REGION")
            for each in plain
        )

    assert comparable(shown) == comparable(ours)


def test_every_ignored_check_of_the_linter_has_a_reason() -> None:
    """B8: cfn-lint without ignores that lack a reason."""
    file = REPOSITORY / ".cfnlintrc.yaml"
    lines = file.read_text(encoding="utf-8").splitlines()
    ignored = yaml.safe_load("\n".join(lines))["ignore_checks"]

    for check in ignored:
        (position,) = [number for number, line in enumerate(lines) if line.strip() == f"- {check}"]
        assert lines[position - 1].strip().startswith("# "), f"{file.name}: why is {check} ignored?"


def test_no_template_ignores_a_check_of_the_linter_by_itself(assembly: Path) -> None:
    for file in assembly.rglob("*.template.json"):
        assert '"cfn-lint"' not in file.read_text(encoding="utf-8")
