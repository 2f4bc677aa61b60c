"""Whether a change goes back to what a managed cluster was before."""

from __future__ import annotations

from collections.abc import Iterable

from dr_core.record import Incarnation
from dr_core.standby import spec_digest


def is_way_back(
    spec: str | None, *, managed_cluster: str, incarnations: Iterable[Incarnation], well_seconds: float
) -> bool:
    """Whether *spec* has served *managed_cluster* for long enough to be known as good.

    Such a change needs no proof, nor does it wait for anybody: CloudFormation takes a deploy back where something else
    failed, and an alarm that is on then speaks of what shall go.  What a change of this sort took away is not known as
    good any more: deployed again, it is as any other change.

    Args:
        spec: that the change launches, JSON.
        managed_cluster: that is changed.
        incarnations: of the deployment, those that are gone included.
        well_seconds: for how long the settings want a change to have served before it counts as proved.
    """
    if spec is None:
        return False
    digest = spec_digest(spec)
    served = [
        each
        for each in incarnations
        if each.managed_cluster == managed_cluster
        and each.spec_digest == digest
        and each.serving_from is not None
        and each.serving_to is not None
    ]
    if not served or max(served, key=lambda each: each.serving_to or 0).taken_back:
        return False
    return any((each.serving_to or 0) - (each.serving_from or 0) >= well_seconds for each in served)
