"""Entry point for a person who pauses, resumes or acknowledges automatic operations, or asks how things stand.

A person invokes the function ``<deployment>-control``, from a shell as::

    aws lambda invoke --function-name <deployment>-control --cli-binary-format raw-in-base64-out \
        --payload '{"action": "pause", "because": "network maintenance", "by": "ann"}' /dev/stdout

Who and why are kept with the decision.  They are what the caller says of itself: whom Lambda let in is in CloudTrail.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger

from dr_core.controls import Controls
from dr_core.record import (
    Incarnation,
    IncarnationState,
    Incident,
    IncidentState,
    ManagedCluster,
    Operation,
)
from dr_core.requests import OperationRequest
from dr_core.restraints import kept_back, view_of
from failover.deployment import Deployment, deployment_from_environment
from failover.record_store import Change

logger = Logger()

# A sentence, not a document: it stands in the record, in answers and in log lines.
TEXT_LENGTH = 200

_TEXTS = frozenset({"because", "by"})


def handler(event: object, _context: object) -> dict[str, Any]:
    """Do what a person asks for; see :func:`control`."""
    return control(deployment_from_environment(), event)


def control(deployment: Deployment, event: object) -> dict[str, Any]:
    """Change the controls as *event* asks, and answer how things stand after that.

    Args:
        deployment: whose controls.
        event: ``{"action": "pause", "because": text}``, ``{"action": "resume"}``, ``{"action": "acknowledge"}`` or
            ``{"action": "show"}``; the first three may have ``"by": text``, and all three ``"because": text``.

    Returns:
        ``{"message", "controls", "automatic_operations", "managed_clusters", "incarnations", "incidents",
        "operations"}``, with times as texts in UTC.

    Raises:
        ValueError: *event* is not one of these; says what is wrong, what is allowed and what to do.
    """
    if not isinstance(event, Mapping):
        raise ValueError(_refusal("the event", event, "a JSON object with the key action", 'send {"action": "show"}'))
    action = event.get("action")
    if not isinstance(action, str) or action not in _ACTIONS:
        raise ValueError(_refusal("action", action, ", ".join(_ACTIONS), 'to look only, send {"action": "show"}'))
    texts = _texts(action, event)
    message, values = _ACTIONS[action](texts)
    if values:
        deployment.record.change(Change(key=Controls.key(), values=values))
        logger.warning(message, extra={"action": action, **texts})
    return {"message": message, **_standing(deployment)}


def _pause(texts: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    if "because" not in texts:
        raise ValueError(
            _refusal("because", None, "the reason in one sentence", "say why, for whoever finds it paused tomorrow")
        )
    return (
        "Automatic operations are paused: incidents are still noted, and nothing answers them until somebody resumes. "
        "What runs already goes on, unless its second look comes later than this.",
        {"paused": True, "paused_at": time.time(), "paused_because": texts["because"], "paused_by": texts.get("by")},
    )


def _resume(texts: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    return (
        "Automatic operations may start again: an incident that is still open is answered within the next round.",
        {"paused": False, "resumed_at": time.time(), "resumed_by": texts.get("by")},
    )


def _acknowledge(texts: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    return (
        "The automatic failovers so far are taken note of and do not count for the block any more. "
        "The budget of launches is not changed by this.",
        {
            "acknowledged_at": time.time(),
            "acknowledged_because": texts.get("because"),
            "acknowledged_by": texts.get("by"),
        },
    )


def _show(_: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    return "Nothing was changed.", {}


_ACTIONS: dict[str, Callable[[Mapping[str, str]], tuple[str, dict[str, Any]]]] = {
    "pause": _pause,
    "resume": _resume,
    "acknowledge": _acknowledge,
    "show": _show,
}


def _texts(action: str, event: Mapping[str, Any]) -> dict[str, str]:
    """The texts that came with *action*."""
    allowed = _TEXTS if action != "show" else frozenset()
    given = {str(key): value for key, value in event.items() if key != "action"}
    for key, value in given.items():
        if key not in allowed:
            others = f"action, {', '.join(sorted(allowed))}" if allowed else "action alone"
            raise ValueError(_refusal(key, value, f"with {action} only these keys: {others}", "leave it out"))
        if not isinstance(value, str) or not value.strip() or len(value) > TEXT_LENGTH:
            raise ValueError(
                _refusal(key, value, f"a text of 1 to {TEXT_LENGTH} characters", "write one sentence, or leave it out")
            )
    return given


def _refusal(key: str, got: object, allowed: str, remedy: str) -> str:
    return f"{key}: got {got!r}; allowed: {allowed}; remedy: {remedy}. Nothing was changed."


def _standing(deployment: Deployment) -> dict[str, Any]:
    """How things stand, by the record."""
    names = [each.name for each in deployment.config.managed_clusters]
    keys = [kind.key(name) for kind in (ManagedCluster, Incident) for name in names]
    items = deployment.record.get(Controls.key(), *keys)
    controls = Controls.from_item(items.get((Controls.KIND, Controls.ID)))
    managed_clusters = [
        ManagedCluster.from_item(items[ManagedCluster.KIND, name])
        for name in names
        if (ManagedCluster.KIND, name) in items
    ]
    incidents = [Incident.from_item(items[Incident.KIND, name]) for name in names if (Incident.KIND, name) in items]
    incarnations = deployment.record.incarnations()
    now, policy = time.time(), deployment.config.policy
    view = view_of(controls, managed_clusters, incarnations)
    held = kept_back(view, now=now, policy=policy)
    return {
        "controls": _plain(controls),
        "automatic_operations": {
            "may_start": held is None,
            "because": held.reason if held else "nothing keeps them back",
            "automatic_failovers": [_time(each) for each in view.automatic_failovers],
            "launches_in_24_hours": view.launches_today(now=now),
            "launches_allowed": policy.launches_per_day,
        },
        "managed_clusters": [
            {
                "name": each.name,
                "serving_generation": each.serving_generation,
                "being_deleted": each.tombstone,
            }
            for each in managed_clusters
        ],
        "incarnations": [_incarnation(each) for each in incarnations if each.state is not IncarnationState.RETIRED],
        "incidents": [_plain(each) for each in incidents if each.state is IncidentState.OPEN],
        "operations": _operations(deployment, managed_clusters),
    }


def _incarnation(incarnation: Incarnation) -> dict[str, Any]:
    return {
        "generation": incarnation.generation,
        "managed_cluster": incarnation.managed_cluster,
        "state": str(incarnation.state),
        "availability_zone": incarnation.availability_zone,
        "cluster_id": incarnation.cluster_id,
        "slot": incarnation.slot,
        "out_of_the_balanced_group": incarnation.isolated_at is not None,
        "unseeded": incarnation.unseeded,
    }


def _operations(deployment: Deployment, managed_clusters: Iterable[ManagedCluster]) -> list[dict[str, Any]]:
    """The operations that hold a lease, and how far they are."""
    found = []
    for each in managed_clusters:
        if each.lease is None:
            continue
        operation = deployment.record.operation(each.lease.operation)
        found.append(
            {
                "operation": each.lease.operation,
                "managed_cluster": each.name,
                "execution": each.lease.execution,
                "since": _time(each.lease.since),
                **(_progress(operation) if operation else {}),
            }
        )
    return found


def _progress(operation: Operation) -> dict[str, Any]:
    request = OperationRequest.from_json(operation.request)
    entered = sorted(operation.entered.items(), key=lambda item: item[1])
    return {
        "kind": str(request.kind),
        "reason": str(request.reason),
        "step": entered[-1][0] if entered else None,
        "message": operation.message,
    }


def _plain(record: Controls | Incident) -> dict[str, Any]:
    """A record's fields, its times as texts."""
    values = {each.name: getattr(record, each.name) for each in fields(record)}
    times = {name for name in values if name == "since" or name.endswith("_at")}
    return {name: _time(value) if name in times and value is not None else value for name, value in values.items()}


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%dT%H:%M:%SZ}"
