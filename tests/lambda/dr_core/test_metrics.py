from __future__ import annotations

from dr_core import metrics


def test_every_metric_has_a_name_of_its_own() -> None:
    names = [
        metrics.MONITOR_HEARTBEAT,
        metrics.VERDICT_UNHEALTHY,
        metrics.VERDICT_UNKNOWN,
        metrics.TERMINATED_BY_A_PERSON,
        metrics.ATTEMPTS_EXHAUSTED,
        metrics.DETECT_SECONDS,
    ]

    assert len(set(names)) == len(names)


def test_deployment_and_managed_cluster_are_different_dimensions() -> None:
    assert metrics.DEPLOYMENT_DIMENSION != metrics.MANAGED_CLUSTER_DIMENSION
    assert metrics.NAMESPACE == "EmrDr"
