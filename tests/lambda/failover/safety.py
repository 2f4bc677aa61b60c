"""Events that AWS sends, for the tests of what keeps a deployment safe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .parts import DEPLOYMENT, OPERATIONS, RETIREMENTS, SPEC
from .world import World


def stack_event(kind: str, request_id: str = "r1", **properties: Any) -> dict[str, Any]:
    """A request of CloudFormation for the managed cluster ``a``, as it runs."""
    spec = json.loads(SPEC)
    return {
        "RequestType": kind,
        "ResponseURL": f"https://answers/{request_id}",
        "StackId": "stack",
        "RequestId": request_id,
        "LogicalResourceId": "ManagedClusterA",
        "ResourceProperties": {
            "Deployment": DEPLOYMENT,
            "Name": "a",
            "TemplateUrl": spec["template_url"],
            "Parameters": json.dumps(spec["parameters"]),
            **properties,
        },
    }


def ended_event(world: World, request: Mapping[str, Any], *, status: str) -> dict[str, Any]:
    """The detail of EventBridge's event, after the execution of *request* ended in the world."""
    machine = OPERATIONS if "operation" in request else RETIREMENTS
    execution = world.execution(machine, request.get("operation") or request["retirement"])
    text = json.dumps({"request": dict(request)})
    world.executions[execution] = {"status": status, "input": text}
    return {
        "executionArn": execution,
        "stateMachineArn": machine,
        "status": status,
        "input": text,
        "cause": None,
    }


def retirements(world: World) -> list[str]:
    """Names of the retirements that were started."""
    return [each["name"] for each in world.executions.values() if each.get("machine") == RETIREMENTS]
