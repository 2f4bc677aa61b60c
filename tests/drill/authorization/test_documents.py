"""Policies as values: what is not understood is an error."""

from __future__ import annotations

from typing import Any

import pytest

from emr_drill.authorization.documents import Statement, UnsupportedPolicyError, arn_matches, matches, parse_policy

TABLE = "arn:aws:dynamodb:us-east-1:111122223333:table/record"


def statement(**elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": TABLE, **elements}


def test_a_statement_is_about_its_actions_and_resources() -> None:
    found = Statement.parse(statement(Action=["dynamodb:Get*", "dynamodb:PutItem"], Sid="Record"))

    assert found.allows and found.sid == "Record"
    assert found.covers("dynamodb:GetItem", TABLE)
    assert found.covers("DynamoDB:putitem", TABLE)  # names of actions are compared without case
    assert not found.covers("dynamodb:DeleteItem", TABLE)
    assert not found.covers("dynamodb:GetItem", f"{TABLE}2")


def test_all_but_is_about_the_rest() -> None:
    body = {"Effect": "Deny", "NotAction": "s3:GetObject", "NotResource": "arn:aws:s3:::ours/*"}
    found = Statement.parse(body)

    assert found.covers("s3:PutObject", "arn:aws:s3:::theirs/a")
    assert not found.covers("s3:GetObject", "arn:aws:s3:::theirs/a")
    assert not found.covers("s3:PutObject", "arn:aws:s3:::ours/a")


def test_a_trust_policy_is_about_its_role() -> None:
    body = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}

    assert Statement.parse(body).covers("sts:AssumeRole", "arn:aws:iam::111122223333:role/any")


@pytest.mark.parametrize(
    "document",
    [
        statement(Effect="Permit"),
        statement(NotPrincipal={"AWS": "*"}),
        statement(NotAction="s3:*"),
        statement(NotResource="*"),
        statement(Resource={"Ref": "Table"}),
        statement(Principal={"Federated": "example.org"}),
        {"Effect": "Allow", "Resource": "*"},
    ],
)
def test_what_is_not_understood_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedPolicyError):
        Statement.parse(document)


def test_an_old_version_is_refused() -> None:
    """Without a version IAM takes 2008-10-17, where a policy variable is literal text."""
    with pytest.raises(UnsupportedPolicyError, match="2012-10-17"):
        parse_policy({"Statement": statement()})


def test_one_statement_may_stand_without_a_list() -> None:
    assert len(parse_policy({"Version": "2012-10-17", "Statement": statement()})) == 1


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
    ],
)
def test_a_wildcard_is_a_star_or_a_question_mark(pattern: str, text: str, fits: bool) -> None:
    assert matches(pattern, text) is fits


def test_a_policy_variable_is_an_error() -> None:
    with pytest.raises(UnsupportedPolicyError, match="variables"):
        matches("arn:aws:s3:::home/${aws:username}/*", "arn:aws:s3:::home/me/a")


def test_arns_are_compared_part_by_part() -> None:
    assert arn_matches("arn:aws:sns:*:1:topic", "arn:aws:sns:eu-west-1:1:topic")
    assert not arn_matches("arn:aws:sns:*:1:topic", "arn:aws:sns:eu-west-1:2:1:topic")
    assert not arn_matches("*", "arn:aws:sns:eu-west-1:2:topic")
