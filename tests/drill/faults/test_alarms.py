"""Which metrics wake a person up."""

from __future__ import annotations

import re

from dr_core import metrics
from emr_drill.faults.alarms import ALARMS, SILENCE_ALARMS
from emr_drill.preflight import REPOSITORY

# Metrics whose alarms have limits of their own: for how long, or how many.
WITH_LIMITS = {
    metrics.VERDICT_UNKNOWN,
    metrics.LAUNCHES_TODAY,
    metrics.IDS_USED,
    metrics.STANDBY_MISSING,
    "VerdictUnhealthy",
    "ProbersHeard",
}


def test_every_alarm_that_rings_at_once_is_looked_for() -> None:
    source = (REPOSITORY / "constructs" / "emr_dr" / "alarms.py").read_text()
    used = {getattr(metrics, name) for name in re.findall(r"\bmetrics\.([A-Z_]+)\b", source)}
    others = {metrics.NAMESPACE, metrics.DEPLOYMENT_DIMENSION, metrics.MANAGED_CLUSTER_DIMENSION}

    assert used - others - WITH_LIMITS == ALARMS | SILENCE_ALARMS.keys()
