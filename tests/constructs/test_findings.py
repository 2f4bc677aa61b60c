"""How findings name what a policy reaches."""

from __future__ import annotations

from pathlib import Path

import pytest
from aws_cdk import Environment, Fn, Stack, Token
from aws_cdk import aws_sqs as sqs

from emr_dr.findings import wildcard_arn

from ..synthesis import new_app


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(new_app(tmp_path), "Stack")


def test_what_is_not_known_before_the_deploy_stands_between_angle_brackets(stack: Stack) -> None:
    arn = stack.format_arn(service="states", resource="execution", resource_name="*")

    assert wildcard_arn(stack, arn) == (
        "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution/*]"
    )


def test_known_region_and_partition_are_written_out(tmp_path: Path) -> None:
    stack = Stack(new_app(tmp_path), "Stack", env=Environment(region="eu-west-1"))
    arn = stack.format_arn(service="states", resource="execution", resource_name="*")

    assert wildcard_arn(stack, arn) == (
        "AwsSolutions-IAM5[Resource::arn:aws:states:eu-west-1:<AWS::AccountId>:execution/*]"
    )


def test_substituted_text_is_written_likewise(stack: Stack) -> None:
    bucket = Fn.sub("assets-${AWS::Region}")

    assert wildcard_arn(stack, f"arn:aws:s3:::{bucket}/*") == (
        "AwsSolutions-IAM5[Resource::arn:aws:s3:::assets-<AWS::Region>/*]"
    )


def test_what_is_no_text_is_refused(stack: Stack) -> None:
    queue = sqs.Queue(stack, "Queue")

    with pytest.raises(TypeError, match=r"not the text of an ARN: .*allowed are joined texts and references"):
        wildcard_arn(stack, f"{queue.queue_arn}{Token.as_string(Fn.get_azs())}*")
