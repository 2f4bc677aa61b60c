"""What whoever synthesizes is told of a network that lacks something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aws_cdk import CfnResource, Stack
from aws_cdk.cx_api import SynthesisMessageLevel

from emr_dr.network_warnings import NO_WAY_OUT, ONE_NAT, warn_of_network
from emr_dr.settings import Settings

from ..synthesis import new_app


@pytest.mark.parametrize(
    ("network", "said"),
    [({}, []), ({"nat_gateways": "one"}, [ONE_NAT]), ({"nat_gateways": "none"}, [NO_WAY_OUT])],
)
def test_a_choice_is_told_with_what_it_breaks(tmp_path: Path, network: dict[str, Any], said: list[str]) -> None:
    """A12: one NAT gateway makes the loss of its AZ a matter of all."""
    app = new_app(tmp_path)
    stack = Stack(app, "Stack")
    CfnResource(stack, "Any", type="AWS::CloudFormation::WaitConditionHandle")  # a template without any is refused
    warn_of_network(stack, Settings.parse({"network": network}).network)

    messages = app.synth().get_stack_by_name("Stack").messages
    warnings = [str(each.entry.data) for each in messages if each.level is SynthesisMessageLevel.WARNING]
    assert [warning.partition(" [ack:")[0] for warning in warnings] == said
