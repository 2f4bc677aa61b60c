"""Which metrics wake a person up, and when."""

from __future__ import annotations

from collections.abc import Mapping

from dr_core.metrics import (
    ATTEMPTS_EXHAUSTED,
    AVAILABILITY_ZONES_SHARED,
    CERTIFICATE_PROBLEMS,
    COMMON_CAUSE,
    DRAIN_OVERDUE,
    FAILOVER_BLOCKED,
    FENCE_OVERDUE,
    MONITOR_HEARTBEAT,
    NOTICES_REFUSED,
    ORPHANS,
    PAUSED,
    RECONCILED,
    RETIREMENT_OVERDUE,
    SERVING_UNSEEDED,
    TERMINATED_BY_A_PERSON,
)

# Metrics whose alarm rings as soon as one of them is 1.  Others have limits of their own, which no drill reaches
# (VERDICT_UNKNOWN rings after ten minutes, IDS_USED when a range is nearly used up), and are not looked at.
ALARMS = frozenset(
    {
        *(ATTEMPTS_EXHAUSTED, TERMINATED_BY_A_PERSON, FAILOVER_BLOCKED, PAUSED, COMMON_CAUSE, SERVING_UNSEEDED),
        *(AVAILABILITY_ZONES_SHARED, FENCE_OVERDUE, RETIREMENT_OVERDUE, DRAIN_OVERDUE, ORPHANS, NOTICES_REFUSED),
        CERTIFICATE_PROBLEMS,
    }
)
# Metrics that are written all the time, and after how many whole minutes without them an alarm rings.
SILENCE_ALARMS: Mapping[str, int] = {MONITOR_HEARTBEAT: 3, RECONCILED: 5}
