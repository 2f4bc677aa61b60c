"""Rules about roles: an example that passes and those that fail (B8)."""

from __future__ import annotations

from typing import Any

import pytest

from .examples import found, of

PASSED = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}


def policy(**statement: Any) -> dict[str, Any]:
    body = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*", **statement}
    return of("AWS::IAM::Policy", {"PolicyDocument": {"Statement": [{k: v for k, v in body.items() if v is not None}]}})


def test_named_actions_pass() -> None:
    assert found("named-actions", policy()) == []
    assert found("named-actions", policy(Effect="Deny", Action="*")) == []


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ({"Action": "s3:*"}, "it allows s3:*"),
        ({"Action": ["s3:GetObject", "*"]}, "it allows *"),
        ({"Action": "s3:Get?bject"}, "it allows s3:Get?bject"),
        ({"Action": None, "NotAction": "iam:*"}, "a statement allows everything but iam:* (NotAction)"),
        ({"Resource": None, "NotResource": "x"}, "a statement allows everything but x (NotResource)"),
    ],
)
def test_what_allows_more_than_it_names_is_found(statement: dict[str, Any], what: str) -> None:
    assert found("named-actions", policy(**statement)) == [what]


def test_an_inline_policy_of_a_role_is_looked_at_too() -> None:
    inline = {"PolicyDocument": {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}}

    assert found("named-actions", of("AWS::IAM::Role", {"Policies": [inline]})) == ["it allows *"]


def test_a_role_is_passed_by_its_name_to_one_service() -> None:
    role = {"Fn::GetAtt": ["Role", "Arn"]}

    assert found("passed-roles", policy(Action="iam:PassRole", Resource=role, Condition=PASSED)) == []
    assert found("passed-roles", policy(Action=["iam:PassRole"], Resource=role)) == ["it passes a role to any service"]
    assert found("passed-roles", policy(Action="iam:PassRole", Resource="*", Condition=PASSED)) == ["it passes *"]


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": "arn:aws:iam::1:root"}, {"Federated": "x"}])
def test_a_role_that_others_can_take_is_found(principal: Any) -> None:
    def trusting(who: Any) -> dict[str, Any]:
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": who}
        return of("AWS::IAM::Role", {"AssumeRolePolicyDocument": {"Statement": [statement]}})

    assert found("roles-of-services", trusting({"Service": "lambda.amazonaws.com"})) == []
    assert found("roles-of-services", trusting(principal)) == [f"it can be taken by {principal}"]


def test_policies_of_aws_are_found_but_the_one_with_a_reason() -> None:
    def having(name: str) -> dict[str, Any]:
        arn = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, f":iam::aws:policy/{name}"]]}
        return of("AWS::IAM::Role", {"ManagedPolicyArns": [arn]})

    assert found("no-managed-policies", having("service-role/AmazonEMRServicePolicy_v2")) == []
    assert len(found("no-managed-policies", having("AdministratorAccess"))) == 1
