"""Condition operators, against the tables of the IAM User Guide."""

from __future__ import annotations

from typing import Any

import pytest

from emr_drill.authorization.conditions import hold
from emr_drill.authorization.documents import UnsupportedPolicyError

TAGS = ["team", "emr-dr:deployment"]


@pytest.mark.parametrize(
    ("operator", "wanted", "got", "holds"),
    [
        ("StringEquals", ["a", "b"], "b", True),
        ("StringEquals", ["a"], "A", False),
        ("StringEquals", ["a"], None, False),
        ("StringEqualsIfExists", ["a"], None, True),
        ("StringEqualsIfExists", ["a"], "b", False),
        ("StringEqualsIgnoreCase", ["a"], "A", True),
        ("StringNotEquals", ["a", "b"], "c", True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringNotEquals", ["a"], None, True),
        ("StringLike", ["ec2.amazonaws.com*"], "ec2.amazonaws.com.cn", True),
        ("StringLike", ["ec2.*"], None, False),
        ("StringNotLike", ["emr-dr:*"], "emr-dr:deployment", False),
        ("ArnLike", ["arn:aws:logs:*:1:*"], "arn:aws:logs:us-east-1:1:log-group:a", True),
        ("ArnEquals", ["arn:aws:logs:*:1:*"], "arn:aws:logs:us-east-1:1:log-group:a", True),
        ("ArnNotLike", ["arn:aws:logs:*:1:*"], "arn:aws:logs:us-east-1:2:log-group:a", True),
        ("Bool", ["false"], "false", True),
        ("Bool", ["true"], "false", False),
        ("Bool", ["true"], None, False),
        ("NumericLessThan", ["1.2"], "1.1", True),
        ("NumericLessThan", ["1.2"], "1.2", False),
        ("NumericGreaterThanEquals", ["5"], "5", True),
        ("Null", ["true"], None, True),
        ("Null", ["true"], "a", False),
        ("Null", ["false"], "a", True),
        # Several values: each of them, or one of them.
        ("ForAllValues:StringEquals", ["team", "cost"], ["team"], True),
        ("ForAllValues:StringEquals", ["team"], TAGS, False),
        ("ForAllValues:StringEquals", ["team"], None, True),
        ("ForAllValues:StringNotLike", ["emr-dr:*"], ["team"], True),
        ("ForAllValues:StringNotLike", ["emr-dr:*"], TAGS, False),
        ("ForAnyValue:StringEquals", ["team"], TAGS, True),
        ("ForAnyValue:StringEquals", ["cost"], TAGS, False),
        ("ForAnyValue:StringEquals", ["cost"], None, False),
        ("ForAnyValue:StringNotEquals", ["cost"], None, False),
    ],
)
def test_operator(operator: str, wanted: list[str], got: str | list[str] | None, holds: bool) -> None:
    context: dict[str, Any] = {} if got is None else {"key": got}

    assert hold({operator: {"key": wanted}}, context) is holds


def test_names_of_keys_are_compared_without_case() -> None:
    assert hold({"StringEquals": {"aws:SourceAccount": ["1"]}}, {"AWS:sourceaccount": "1"})


def test_every_operator_and_key_has_to_hold() -> None:
    both = {"StringEquals": {"a": ["1"], "b": ["2"]}, "Bool": {"c": ["true"]}}

    assert hold(both, {"a": "1", "b": "2", "c": "true"})
    assert not hold(both, {"a": "1", "b": "2", "c": "false"})
    assert not hold(both, {"a": "1", "b": "3", "c": "true"})


@pytest.mark.parametrize("operator", ["IpAddress", "DateLessThan", "StringSounds", "ForSomeValues:StringEquals"])
def test_an_unknown_operator_is_an_error_and_no_allowance(operator: str) -> None:
    with pytest.raises(UnsupportedPolicyError, match=operator.partition(":")[0]):
        hold({operator: {"key": ["a"]}}, {"key": "a"})


def test_several_values_need_an_operator_for_several() -> None:
    with pytest.raises(UnsupportedPolicyError, match="several values"):
        hold({"StringEquals": {"aws:TagKeys": ["team"]}}, {"aws:TagKeys": TAGS})
