"""Alarms and dashboards know metrics by these names; a changed one loses its history."""

from __future__ import annotations

from dr_core import metrics
from dr_core.steps import PHASES


def test_names_of_metrics() -> None:
    assert (
        metrics.MONITOR_HEARTBEAT,
        metrics.VERDICT_UNHEALTHY,
        metrics.VERDICT_UNKNOWN,
        metrics.TERMINATED_BY_A_PERSON,
        metrics.ATTEMPTS_EXHAUSTED,
        metrics.DETECT_SECONDS,
    ) == (
        "MonitorHeartbeat",
        "VerdictUnhealthy",
        "VerdictUnknown",
        "TerminatedByAPerson",
        "AttemptsExhausted",
        "DetectSeconds",
    )


def test_where_they_are_found() -> None:
    assert (metrics.NAMESPACE, metrics.DEPLOYMENT_DIMENSION, metrics.MANAGED_CLUSTER_DIMENSION) == (
        "EmrDr",
        "service",
        "managed_cluster",
    )


def test_every_phase_has_a_metric() -> None:
    assert metrics.PHASE_SECONDS == {
        "decide": "DecideSeconds",
        "launch": "LaunchSeconds",
        "verify": "VerifySeconds",
        "cut_over": "CutOverSeconds",
    }
    assert set(metrics.PHASE_SECONDS) == set(PHASES)


def test_names_of_what_is_late() -> None:
    assert (metrics.FENCE_OVERDUE, metrics.RETIREMENT_OVERDUE) == ("FenceOverdue", "RetirementOverdue")
