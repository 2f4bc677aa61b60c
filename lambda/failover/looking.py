"""A fresh look at a primary through the probers, for a step that cannot wait for several rounds of evidence."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, wait
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from dr_core.evidence import Evidence, Service, Verdict
from dr_core.record import Incarnation
from failover.deployment import Deployment
from failover.removal import address_handed_on

logger = Logger()

# What a prober needs beside its readings, which have a limit of their own: to be started, to answer.
_ANSWER_SECONDS = 3
# How long the others are waited for when as many have answered as have to agree: all were asked at the same time.
_OTHERS_SECONDS = 2

_TARGET_HEALTHY = "healthy"


def healthy_vantage_points(deployment: Deployment, *, address: str, slot: int | None) -> int:
    """How many vantage points see the services at *address* healthy now; counted as far as are needed to agree.

    A prober that cannot be asked, or that does not reach the front door either, is none.  Where fewer probers are able
    to look than have to agree, as with two AZs when one of them is lost, and all of them agree, the load balancer's
    health checks of Livy are one.

    Args:
        slot: number of the slot whose target *address* is; ``None`` if it has none, so that no load balancer checks it.
    """
    needed = deployment.config.policy.vantage_points
    able = agreeing = 0
    for look in _looks(deployment, address=address):
        able += bool(look["front_door"])
        agreeing += _all_good(look)
        if agreeing >= needed:
            return agreeing
    if slot is not None and 0 < agreeing == able < needed:
        health = deployment.front_door.health(deployment.front_door.slot(slot).target_group)
        agreeing += health.get(address) == _TARGET_HEALTHY
    return agreeing


def evidence_now(deployment: Deployment, incarnation: Incarnation) -> list[Evidence]:
    """What the probers see of *incarnation* now, those that answer in time.

    Empty if its address is another one's by now: what is seen there says nothing of it.
    """
    address = incarnation.primary_address
    if address is None or address_handed_on(deployment, incarnation):
        return []
    return [Evidence.from_look(look, incarnation=incarnation.id) for look in _looks(deployment, address=address)]


def _looks(deployment: Deployment, *, address: str) -> Iterator[Mapping[str, Any]]:
    """What each prober sees there, in the order in which they answer.

    All are asked at once: a service that hangs costs a prober seconds, and one whose AZ is away may not answer at all.
    """
    policy, answered = deployment.config.policy, 0
    asked = {
        deployment.pool.submit(_ask, deployment, each.function_name, address) for each in deployment.probers.probers
    }
    while asked:
        enough = answered >= policy.vantage_points
        limit = _OTHERS_SECONDS if enough else policy.read_limit_seconds + _ANSWER_SECONDS
        answers, asked = wait(asked, timeout=limit, return_when=FIRST_COMPLETED)
        if not answers:
            logger.warning("not every prober answered in time", extra={"silent": len(asked)})
            return
        for answer in answers:
            looks = answer.result()
            answered += len(looks)
            yield from looks


def _ask(deployment: Deployment, prober: str, address: str) -> list[Mapping[str, Any]]:
    request = json.dumps({"action": "look", "addresses": [address]}).encode()
    try:
        answer = deployment.probers.client.invoke(FunctionName=prober, Payload=request)
    except (BotoCoreError, ClientError):
        logger.warning("a prober could not be asked for a look", extra={"prober": prober})
        return []
    looks = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        logger.warning("a look failed", extra={"prober": prober, "error": looks})
        return []
    return list(looks)


def _all_good(look: Mapping[str, Any]) -> bool:
    verdicts = {name: reading["verdict"] for name, reading in look["services"].items()}
    return bool(look["front_door"]) and all(verdicts.get(service) == Verdict.HEALTHY for service in Service)
