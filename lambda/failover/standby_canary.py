"""The canary of what stands by: a Spark job every quarter of an hour, whose id must lie in the incarnation's range."""

from __future__ import annotations

import time

from aws_lambda_powertools import Logger

from dr_core.id_ranges import id_range
from dr_core.naming import canary_name, parse_canary_name
from dr_core.operation_plan import CanaryState, judge_canary
from dr_core.record import Incarnation, IncarnationState
from dr_core.standby import NEXT_CANARY_SECONDS
from failover.deployment import Deployment
from failover.errors import NoProberAnsweredError
from failover.probers import Canary
from failover.record_store import Change

logger = Logger()


def prove(deployment: Deployment, standby: Incarnation) -> None:
    """Begin a canary if the last one is old enough, read one that runs, and note down how it ended.

    A canary that cannot be begun or read says nothing of the cluster: the standby only grows too old to be taken.
    """
    now = time.time()
    if standby.primary_address is None or now - (standby.canary_succeeded_at or 0) < NEXT_CANARY_SECONDS:
        return
    name = _name(standby)
    asked_at = standby.canary_asked_at if standby.canary_asked_at is not None else now
    if standby.canary_asked_at is None:
        # First of all: Livy may take it though no answer comes, and whoever reads its end may do so hours later.
        _note(deployment, standby, canary_asked_at=now)
    try:
        canary = deployment.probers.canary(address=standby.primary_address, name=name, near=standby.availability_zone)
    except NoProberAnsweredError as error:
        canary = Canary(error=str(error))
    if canary.batch_id is None:
        logger.warning("the canary of a standby says nothing", extra={"incarnation": standby.id, "why": canary.error})
        return
    in_range = standby.id_prefix is not None and canary.batch_id in id_range(standby.id_prefix)
    state = judge_canary(canary.state) if in_range else CanaryState.FAILED
    begun_at = standby.canary_begun_at if standby.canary_begun_at is not None else now
    limit = deployment.config.canary.limit_seconds
    if state is CanaryState.SUCCEEDED:
        _note(
            deployment,
            standby,
            canary_name=name,
            canary_id=canary.batch_id,
            canary_app_id=canary.app_id,
            canary_succeeded_at=min(now, asked_at + limit),
            canary_asked_at=None,
            canary_begun_at=None,
            canary_failures=0,
        )
    elif state is CanaryState.FAILED or now - begun_at >= limit:
        logger.warning(
            "the canary of a standby failed",
            extra={"incarnation": standby.id, "batch": canary.batch_id, "in_range": in_range, "state": canary.state},
        )
        _note(
            deployment,
            standby,
            canary_asked_at=None,
            canary_begun_at=None,
            canary_failures=standby.canary_failures + 1,
        )
    elif standby.canary_begun_at is None:
        _note(deployment, standby, canary_begun_at=now)


def _name(standby: Incarnation) -> str:
    """Of the canary that runs or comes next: Livy lets a name be used once, and each one that failed has used one."""
    last = parse_canary_name(standby.canary_name or "")
    return canary_name(standby.generation, (last[1] if last else 1) + 1 + standby.canary_failures)


def _note(deployment: Deployment, standby: Incarnation, **values: object) -> None:
    """Note down something of what still stands by; what was taken or given up meanwhile is somebody else's."""
    deployment.record.change(
        Change(
            key=Incarnation.key(standby.generation),
            values=values,
            condition="#state = :standby",
            condition_values={"standby": IncarnationState.STANDBY},
        )
    )
