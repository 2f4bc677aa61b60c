"""What alarms say."""

from __future__ import annotations

import json
import shlex

from dr_core.requests import Kind, Reason
from emr_dr.alarm_texts import Commands, Text

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:dep-operation"
COMMANDS = Commands(deployment="dep", operation_machine=MACHINE)


def test_a_text_has_three_parts() -> None:
    assert str(Text(happened="It broke.", done="Nothing.", to_do="Mend it.")) == (
        "What happened: It broke. What was done: Nothing. What to do: Mend it."
    )


def test_the_command_of_a_control_can_be_copied_into_a_shell() -> None:
    words = shlex.split(COMMANDS.control(action="pause", because="...", by="..."))

    assert words[:5] == ["aws", "lambda", "invoke", "--function-name", "dep-control"]
    assert json.loads(words[words.index("--payload") + 1]) == {"action": "pause", "because": "...", "by": "..."}
    assert words[-1] == "/dev/stdout"


def test_the_command_of_an_operation_can_be_copied_into_a_shell() -> None:
    words = shlex.split(COMMANDS.operation("failover", "a"))

    assert words[:5] == ["aws", "stepfunctions", "start-execution", "--state-machine-arn", MACHINE]
    assert json.loads(words[words.index("--input") + 1]) == {
        "request": {"kind": Kind.FAILOVER, "reason": Reason.MANUAL, "managed_cluster": "a"}
    }
