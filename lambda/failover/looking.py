"""A fresh look at a primary through the probers, for a step that cannot wait for several rounds of evidence."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from dr_core.evidence import Service, Verdict
from failover.deployment import Deployment

logger = Logger()


def healthy_vantage_points(deployment: Deployment, *, address: str, near: str | None) -> int:
    """How many probers see every service at *address* healthy now; no more are asked than are needed to agree.

    A prober that cannot be asked, or that does not reach the front door either, is no vantage point.

    Args:
        deployment: whose probers.
        address: of the primary.
        near: the availability zone whose prober is asked first.
    """
    needed = deployment.config.policy.vantage_points
    agreeing = 0
    for look in _looks(deployment, address=address, near=near):
        agreeing += _all_good(look)
        if agreeing >= needed:
            break
    return agreeing


def _looks(deployment: Deployment, *, address: str, near: str | None) -> Iterator[Mapping[str, Any]]:
    probers = sorted(deployment.probers.probers, key=lambda prober: prober.availability_zone != near)
    request = json.dumps({"action": "look", "addresses": [address]}).encode()
    for prober in probers:
        try:
            answer = deployment.probers.client.invoke(FunctionName=prober.function_name, Payload=request)
        except (BotoCoreError, ClientError):
            logger.warning("a prober could not be asked for a look", extra={"prober": prober.function_name})
            continue
        looks = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            logger.warning("a look failed", extra={"prober": prober.function_name, "error": looks})
            continue
        yield from looks


def _all_good(look: Mapping[str, Any]) -> bool:
    verdicts = {name: reading["verdict"] for name, reading in look["services"].items()}
    return bool(look["front_door"]) and all(verdicts.get(service) == Verdict.HEALTHY for service in Service)
