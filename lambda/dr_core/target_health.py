"""What the health of a load balancer's target says of the target."""

from __future__ import annotations


def is_load_balancers_fault(*, state: str, reason: str) -> bool:
    """Whether a target is called unhealthy for a reason of the load balancer's own, which says nothing of the target.

    Args:
        state: ``TargetHealth.State`` of DescribeTargetHealth.
        reason: ``TargetHealth.Reason``: ``Elb.InternalError`` and the like; those of the target begin with ``Target.``.
    """
    return state == "unhealthy" and reason.startswith("Elb.")
