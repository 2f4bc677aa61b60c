"""Conditions of policy statements (IAM User Guide, "IAM JSON policy elements: Condition operators")."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from emr_drill.authorization.documents import UnsupportedPolicyError, arn_matches, matches

Context = Mapping[str, str | Sequence[str]]
"""What is known of a request besides who, what and which: key to value, or values of a key that may have several."""

Compare = Callable[[str, str], bool]

FOR_ALL, FOR_ANY, IF_EXISTS = "ForAllValues:", "ForAnyValue:", "IfExists"


def _numbers(compare: Callable[[float, float], bool]) -> Compare:
    return lambda wanted, got: compare(float(got), float(wanted))


# What the policy wants, and what the request has.
_POSITIVE: Final[dict[str, Compare]] = {
    "StringEquals": lambda wanted, got: wanted == got,
    "StringEqualsIgnoreCase": lambda wanted, got: wanted.lower() == got.lower(),
    "StringLike": matches,
    "ArnEquals": arn_matches,  # "ArnEquals and ArnLike behave identically"
    "ArnLike": arn_matches,
    "Bool": lambda wanted, got: wanted.lower() == got.lower(),
    "NumericEquals": _numbers(lambda got, wanted: got == wanted),
    "NumericLessThan": _numbers(lambda got, wanted: got < wanted),
    "NumericLessThanEquals": _numbers(lambda got, wanted: got <= wanted),
    "NumericGreaterThan": _numbers(lambda got, wanted: got > wanted),
    "NumericGreaterThanEquals": _numbers(lambda got, wanted: got >= wanted),
}
_NEGATIVE: Final[dict[str, Compare]] = {
    "StringNotEquals": _POSITIVE["StringEquals"],
    "StringNotEqualsIgnoreCase": _POSITIVE["StringEqualsIgnoreCase"],
    "StringNotLike": _POSITIVE["StringLike"],
    "ArnNotEquals": _POSITIVE["ArnEquals"],
    "ArnNotLike": _POSITIVE["ArnLike"],
    "NumericNotEquals": _POSITIVE["NumericEquals"],
}


def hold(conditions: Mapping[str, Mapping[str, Sequence[str]]], context: Context) -> bool:
    """Whether every key of every operator holds.

    Raises:
        UnsupportedPolicyError: an operator is not known, or a key has several values and the operator says neither
            ``ForAllValues`` nor ``ForAnyValue``.
    """
    found = {key.lower(): value for key, value in context.items()}  # keys are compared without case
    return all(
        [_holds(operator, key, wanted, found) for operator, keys in conditions.items() for key, wanted in keys.items()]
    )


def _holds(operator: str, key: str, wanted: Sequence[str], context: Context) -> bool:
    if operator == "Null":
        return all((value.lower() == "true") is (key.lower() not in context) for value in wanted)
    quantifier = next((each for each in (FOR_ALL, FOR_ANY) if operator.startswith(each)), "")
    plain = operator.removeprefix(quantifier)
    if_exists = plain.endswith(IF_EXISTS)
    plain = plain.removesuffix(IF_EXISTS)
    compare, negative = _POSITIVE.get(plain) or _NEGATIVE.get(plain), plain in _NEGATIVE
    if compare is None:
        raise UnsupportedPolicyError(f"the condition operator {operator!r} is not known here")
    got = context.get(key.lower())
    values = [] if got is None else [got] if isinstance(got, str) else list(got)
    if not values:
        # "ForAllValues returns true if there are no keys in the request"; a negated operator matches what is not there.
        return quantifier == FOR_ALL or (not quantifier and (negative or if_exists))
    if len(values) > 1 and not quantifier:
        raise UnsupportedPolicyError(f"{key} has several values: {operator!r} has to say {FOR_ALL} or {FOR_ANY}")
    fits = [any(compare(each, value) for each in wanted) is not negative for value in values]
    return any(fits) if quantifier == FOR_ANY else all(fits)
