"""Resources for the rules to look at."""

from __future__ import annotations

from typing import Any

from emr_dr.own_rules.catalogue import RULES
from emr_dr.own_rules.model import findings


def of(kind: str, properties: dict[str, Any], **body: Any) -> dict[str, Any]:
    """One resource as a template has it."""
    return {"Type": kind, "Properties": properties, **body}


def found(rule: str, *resources: dict[str, Any], **named: dict[str, Any]) -> list[str]:
    """What one rule finds in a template of these resources."""
    (chosen,) = [each for each in RULES if each.name == rule]
    template = {"Resources": {**{f"R{number}": each for number, each in enumerate(resources)}, **named}}
    return [each.what for each in findings(template, [chosen])]
