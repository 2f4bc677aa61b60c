"""What alarms say to a person: what happened, what was done about it, what to do, with the very command."""

from __future__ import annotations

import json
from dataclasses import dataclass

# CloudWatch, PutMetricAlarm: AlarmDescription.
LONGEST_DESCRIPTION = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """The text of an alarm.

    Attributes:
        happened: what happened, in whole sentences.
        done: what was done about it.
        to_do: what a person should do.
    """

    happened: str
    done: str
    to_do: str

    def __str__(self) -> str:
        return f"What happened: {self.happened} What was done: {self.done} What to do: {self.to_do}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """What a person types into a shell.

    Attributes:
        deployment: the deployment.
        operation_machine: ARN of its operation machine.
    """

    deployment: str
    operation_machine: str

    def control(self, **event: str) -> str:
        """Invoke the function that pauses, resumes, acknowledges and shows."""
        return (
            f"aws lambda invoke --function-name {self.deployment}-control --cli-binary-format raw-in-base64-out "
            f"--payload '{json.dumps(event)}' /dev/stdout"
        )

    def operation(self, kind: str, managed_cluster: str) -> str:
        """Start an operation by hand."""
        request = {"request": {"kind": kind, "reason": "manual", "managed_cluster": managed_cluster}}
        return (
            f"aws stepfunctions start-execution --state-machine-arn {self.operation_machine} "
            f"--input '{json.dumps(request)}'"
        )
