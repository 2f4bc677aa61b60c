"""What a rule is."""

from __future__ import annotations

from emr_dr.own_rules.model import Resource, Rule, attributes, findings


def rule(name: str, *kinds: str) -> Rule:
    def look(resource: Resource) -> list[str]:
        return [f"{resource.kind} {resource.properties.get('Size')} {resource.body.get('DeletionPolicy')}"]

    return Rule(name=name, asks="a", remedy="r", kinds=frozenset(kinds), look=look)


def test_a_rule_looks_at_its_kinds_or_at_all() -> None:
    template = {
        "Resources": {
            "A": {"Type": "X", "Properties": {"Size": 1}, "DeletionPolicy": "Retain"},
            "B": {"Type": "Y"},
        }
    }

    assert [
        (each.rule.name, each.logical_id, each.what) for each in findings(template, [rule("x", "X"), rule("all")])
    ] == [
        ("x", "A", "X 1 Retain"),
        ("all", "A", "X 1 Retain"),
        ("all", "B", "Y None None"),
    ]


def test_attributes_are_a_mapping() -> None:
    assert attributes({"L": [{"Key": "a", "Value": "1"}, {"Key": "b"}]}, "L") == {"a": "1", "b": None}
    assert attributes({}, "L") == {}
