"""Which availability zone the next incarnation goes to."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from dr_core.config import SubnetChoice


def choose(
    subnets: Sequence[SubnetChoice],
    *,
    failed: str | None,
    used_by_others: Collection[str],
    tried: Collection[str],
) -> SubnetChoice | None:
    """The most preferred place that may be taken, ``None`` when none is left.

    Args:
        subnets: the places, in order of preference.
        failed: availability zone of the incarnation to be replaced, ``None`` if it did not fail.
        used_by_others: availability zones of the deployment's other managed clusters.
        tried: availability zones in which this operation failed to launch.
    """
    excluded = {failed, *used_by_others, *tried}
    return next((subnet for subnet in subnets if subnet.availability_zone not in excluded), None)
