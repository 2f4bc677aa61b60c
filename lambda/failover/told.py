"""What people were told of already: the same is told again after an hour only, and what was not told is counted."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime

from dr_core.record import Operation, Outcome
from failover.closing import Notice, close, tell
from failover.deployment import Deployment
from failover.record_store import Change

# The same thing is told of again after this time only.
TELL_AGAIN_SECONDS = 3600

_KIND, _CALLED_OFF = "correction", "called-off"


def untold(deployment: Deployment, keys: Collection[str]) -> set[str]:
    """Those of *keys* that nobody was told of lately."""
    known = deployment.record.get(*(_item(key) for key in keys)) if keys else {}
    now = time.time()
    return {key for key in keys if now >= float(known.get((_KIND, key), {}).get("told_at", 0)) + TELL_AGAIN_SECONDS}


def note_told(deployment: Deployment, keys: Collection[str]) -> None:
    """Note down that people were told of *keys*; after that was done, so that nothing is missed."""
    for key in keys:
        deployment.record.change(Change(key=_item(key), values={"told_at": time.time()}))


def close_called_off(deployment: Deployment, operation: Operation, *, message: str, notice: Notice) -> None:
    """Record that *operation* was called off and tell people, unless that was done; see :func:`tell_of_call_off`."""
    if operation.outcome is None:
        tell_of_call_off(deployment, notice)
        close(deployment, operation, outcome=Outcome.CANCELLED, message=message)


def tell_of_call_off(deployment: Deployment, notice: Notice) -> None:
    """Tell of an operation that was called off, unless the same was told within the hour; it is counted then.

    A service that comes and goes has one called off every few minutes.  The next message says how many there were.
    """
    key = {"kind": _CALLED_OFF, "id": notice.subject}
    known = deployment.record.get(key).get((_CALLED_OFF, notice.subject), {})
    told_at, count, now = float(known.get("told_at", 0)), int(known.get("untold", 0)), time.time()
    if now < told_at + TELL_AGAIN_SECONDS:
        deployment.record.change(Change(key=key, values={"untold": count + 1}))
        return
    more = ""
    if count:
        since = datetime.fromtimestamp(told_at, tz=UTC)
        more = f" The same happened {count} more times since the last message of it, at {since:%Y-%m-%d %H:%M} UTC."
    tell(deployment, replace(notice, happened=f"{notice.happened}{more}"))
    deployment.record.change(Change(key=key, values={"told_at": now, "untold": 0}))


def _item(key: str) -> dict[str, str]:
    return {"kind": _KIND, "id": key}
