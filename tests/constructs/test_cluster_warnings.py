"""What whoever synthesizes is told of clusters that look like a slip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aws_cdk import CfnResource, Stack
from aws_cdk.cx_api import SynthesisMessageLevel

from emr_dr.cluster_warnings import KNOWN_RELEASES, foreign_keys, unknown_release, warn_of_clusters
from emr_dr.settings import Settings

from ..synthesis import new_app

OURS = "arn:aws:kms:us-east-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"
THEIRS = OURS.replace("us-east-1", "eu-west-1")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, []),
        ({"cluster": {"release_label": "emr-7.0.0"}}, []),
        ({"cluster": {"release_label": "emr-7.99.0"}}, [unknown_release("emr-7.99.0")]),
        ({"region": "us-east-1", "permissions": {"keys": [OURS]}}, []),
        (
            {"region": "us-east-1", "permissions": {"keys": [OURS, THEIRS]}},
            [foreign_keys([THEIRS], "us-east-1")],
        ),
        ({"permissions": {"keys": [THEIRS]}}, []),
    ],
)
def test_what_may_be_a_slip_is_told_and_taken(tmp_path: Path, settings: dict[str, Any], said: list[str]) -> None:
    """B13: a release may be newer than the list, and a bucket of another region has a key of that region."""
    app = new_app(tmp_path)
    stack = Stack(app, "Stack")
    CfnResource(stack, "Any", type="AWS::CloudFormation::WaitConditionHandle")  # a template without any is refused
    warn_of_clusters(stack, Settings.parse(settings))

    messages = app.synth().get_stack_by_name("Stack").messages
    warnings = [str(each.entry.data) for each in messages if each.level is SynthesisMessageLevel.WARNING]
    assert [warning.partition(" [ack:")[0] for warning in warnings] == said


def test_the_default_is_a_known_release() -> None:
    assert Settings().cluster.release_label in KNOWN_RELEASES
