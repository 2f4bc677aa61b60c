"""What policies decide, by the evaluation logic of the IAM User Guide within one account."""

from __future__ import annotations

from typing import Any

from emr_drill.authorization.decision import Request, decide
from emr_drill.authorization.documents import Statement

ROLE = "arn:aws:iam::111122223333:role/failover"
KEY = "arn:aws:kms:us-east-1:111122223333:key/1"
TOPIC = "arn:aws:sns:us-east-1:111122223333:alerts"
ROOT = {"AWS": "arn:aws:iam::111122223333:root"}


def statement(action: str, *, effect: str = "Allow", **elements: Any) -> Statement:
    return Statement.parse({"Effect": effect, "Action": action, "Resource": "*", **elements})


def publish(principal: str = ROLE, **context: str) -> Request:
    return Request(principal=principal, action="sns:Publish", resource=TOPIC, context=context)


def decrypt(principal: str = ROLE) -> Request:
    return Request(principal=principal, action="kms:Decrypt", resource=KEY)


def test_nothing_is_allowed_by_nobody() -> None:
    assert not decide(publish()).allowed
    assert not decide(publish(), identity=[statement("sns:Subscribe")]).allowed


def test_a_role_may_what_its_policy_says() -> None:
    assert decide(publish(), identity=[statement("sns:Publish")]).allowed


def test_a_denial_wins_wherever_it_stands() -> None:
    may, no = [statement("sns:*")], [statement("sns:Publish", effect="Deny", Sid="Never")]
    insecure = statement(
        "sns:*", effect="Deny", Principal={"AWS": "*"}, Condition={"Bool": {"aws:SecureTransport": "false"}}
    )

    assert decide(publish(), identity=[*may, *no]).why == "denied by the statement Never"
    assert not decide(publish(), identity=may, boundary=[*may, *no]).allowed
    assert not decide(publish(**{"aws:SecureTransport": "false"}), identity=may, resource=[insecure]).allowed
    assert decide(publish(**{"aws:SecureTransport": "true"}), identity=may, resource=[insecure]).allowed


def test_a_boundary_limits_and_gives_nothing() -> None:
    may = [statement("sns:*")]

    assert not decide(publish(), boundary=may).allowed
    assert not decide(publish(), identity=may, boundary=[statement("dynamodb:*")]).allowed
    assert decide(publish(), identity=may, boundary=may).allowed


def test_the_resources_policy_may_let_in_a_role_or_a_service() -> None:
    ours = [statement("sns:Publish", Principal={"AWS": ROLE})]
    alarms = [
        statement(
            "sns:Publish",
            Principal={"Service": "cloudwatch.amazonaws.com"},
            Condition={"StringEquals": {"aws:SourceAccount": "111122223333"}},
        )
    ]

    assert decide(publish(), resource=ours).allowed
    assert not decide(publish(f"{ROLE}2"), resource=ours).allowed
    assert decide(publish("cloudwatch.amazonaws.com", **{"aws:SourceAccount": "111122223333"}), resource=alarms).allowed
    assert not decide(publish("cloudwatch.amazonaws.com", **{"aws:SourceAccount": "999"}), resource=alarms).allowed
    assert not decide(publish("events.amazonaws.com", **{"aws:SourceAccount": "111122223333"}), resource=alarms).allowed


def test_the_policy_of_a_key_decides_whether_policies_of_roles_count() -> None:
    """KMS developer guide: without a statement for the account no policy of a role opens a key."""
    may, whole_account = [statement("kms:Decrypt")], [statement("kms:*", Principal=ROOT)]

    assert not decide(decrypt(), identity=may).allowed
    assert not decide(decrypt(), identity=may, resource=[statement("kms:Encrypt", Principal=ROOT)]).allowed
    assert decide(decrypt(), identity=may, resource=whole_account).allowed
    assert not decide(decrypt(), resource=whole_account).allowed


def test_a_role_is_taken_by_whom_its_trust_names() -> None:
    trust = [statement("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})]

    def assume(principal: str) -> Request:
        return Request(principal=principal, action="sts:AssumeRole", resource=ROLE)

    assert decide(assume("lambda.amazonaws.com"), resource=trust).allowed
    assert not decide(assume("ec2.amazonaws.com"), resource=trust).allowed
    # The right to assume is no right as long as the role does not let its account in.
    assert not decide(assume("arn:aws:iam::111122223333:role/x"), identity=[statement("sts:*")], resource=trust).allowed
