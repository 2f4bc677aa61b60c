"""What happens by itself after an operation that did not come to its end, and what a person has to do."""

from __future__ import annotations

import json

from dr_core.incidents import MAXIMUM_ATTEMPTS
from dr_core.naming import attempt_of
from dr_core.requests import Kind, OperationRequest, Reason
from failover.deployment import Deployment


def failover_command(deployment: Deployment, managed_cluster: str) -> str:
    """What a person types to start a failover by hand."""
    request = {"kind": str(Kind.FAILOVER), "managed_cluster": managed_cluster, "reason": str(Reason.MANUAL)}
    return (
        f"aws stepfunctions start-execution --state-machine-arn {deployment.config.operation_state_machine} "
        f"--input '{json.dumps({'request': request})}'"
    )


def next_steps(deployment: Deployment, request: OperationRequest) -> str:
    """What comes next, in sentences for the person who reads that the operation of *request* failed."""
    name = request.managed_cluster
    match request.reason:
        case Reason.UNHEALTHY:
            attempt = attempt_of(request.operation, request.incident)
            which = f"This was attempt {attempt} of {MAXIMUM_ATTEMPTS}" if attempt is not None else "It was an attempt"
            if attempt is not None and attempt >= MAXIMUM_ATTEMPTS:
                return (
                    f"{which}: none follows by itself. Mend what the reason above names, then start a failover: "
                    f"{failover_command(deployment, name)}"
                )
            return (
                f"{which}: if {name} is still unhealthy, the monitor starts the next one by itself, unless something "
                f'keeps it back (invoke {deployment.config.deployment}-control with {{"action": "show"}} to see). Mend '
                "what the reason above names meanwhile."
            )
        case Reason.BOOTSTRAP | Reason.UPGRADE:
            return (
                "CloudFormation was told that it failed, and rolls its stack back by itself. "
                "Deploy again when the reason is gone."
            )
        case Reason.STANDBY:
            return (
                "The next launch follows by itself, later after each that failed, and as long as half of the launch "
                "budget is left. Mend what the reason above names; until a standby is there a failover has to launch."
            )
        case _ if request.kind is Kind.REPAIR:
            return (
                "If Livy still does not answer, start a failover, which replaces the cluster and loses its jobs: "
                f"{failover_command(deployment, name)}"
            )
        case _:
            return "Nobody starts it again: do that yourself, under another name, if you still want it."
