"""Events that AWS sends, for the tests of what keeps a deployment safe."""

from __future__ import annotations

import json
from typing import Any

from .parts import DEPLOYMENT, RETIREMENTS, SPEC
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
            "Scaling": json.dumps(spec["scaling"]),
            "Tags": json.dumps(spec["tags"]),
            **properties,
        },
    }


def retirements(world: World) -> list[str]:
    """Names of the retirements that were started."""
    return [each["name"] for each in world.executions.values() if each.get("machine") == RETIREMENTS]
