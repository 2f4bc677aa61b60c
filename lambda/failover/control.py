"""Entry point for a person who pauses, resumes or acknowledges automatic operations, or asks how things stand.

A person invokes the function ``<deployment>-control``, from a shell as::

    aws lambda invoke --function-name <deployment>-control --cli-binary-format raw-in-base64-out \
        --payload '{"action": "pause", "because": "network maintenance", "by": "ann"}' /dev/stdout

Who and why are kept with the decision.  They are what the caller says of itself: whom Lambda let in is in CloudTrail.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger

from dr_core.controls import Controls
from failover.clients import ASKED_BY_A_PERSON
from failover.deployment import Deployment, deployment_from_environment
from failover.record_store import Change
from failover.standing import standing

logger = Logger()

# A sentence, not a document: it stands in the record, in answers and in log lines.
TEXT_LENGTH = 200

_TEXTS = frozenset({"because", "by"})


def handler(event: object, _context: object) -> dict[str, Any]:
    """Do what a person asks for; see :func:`control`."""
    return control(deployment_from_environment(calls=ASKED_BY_A_PERSON), event)


def control(deployment: Deployment, event: object) -> dict[str, Any]:
    """Change the controls as *event* asks, and answer how things stand after that.

    Args:
        deployment: whose controls.
        event: ``{"action": "pause", "because": text}``, ``{"action": "resume"}``, ``{"action": "acknowledge"}`` or
            ``{"action": "show"}``; the first three may have ``"by": text``, and all three ``"because": text``.

    Returns:
        ``{"message"}``, what the action means, beside what :func:`failover.standing.standing` says.

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
    return {"message": message, **standing(deployment)}


def _pause(texts: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    if "because" not in texts:
        raise ValueError(
            _refusal("because", None, "the reason in one sentence", "say why, for whoever finds it paused tomorrow")
        )
    return (
        "Automatic operations are paused: incidents are still noted, and no operation answers them until somebody "
        "resumes. The reconciliation goes on to put the routing of ids right, so that jobs find the cluster that runs "
        "them; whatever else it finds it only tells of: it removes no orphan, retires and gives up nothing, and does "
        "not start retirements that failed again. An operation that runs goes on, unless its second look, Reassess, "
        "comes later than this. To stop one, stop its execution too: it is named under operations. What a person asks "
        "for is not held up.",
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
        "Neither the budget of launches nor the attempts of an incident are changed by this: where these are used up, "
        "start a failover by hand.",
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
