"""Whether a change goes back to what a managed cluster was before."""

from __future__ import annotations

from collections.abc import Iterable

from dr_core.record import Incarnation, IncarnationState
from dr_core.standby import spec_digest

# For how long what was taken back may be brought back by CloudFormation, which takes back the deploy that did that: the
# managed clusters come first, and what is left of a deploy after them takes minutes.
UNDONE_SECONDS = 3600


def is_in_doubt(digest: str, *, managed_cluster: str, incarnations: Iterable[Incarnation], now: float) -> bool:
    """Whether *managed_cluster* went back from the spec of *digest* to one that had served well before.

    Not while that may be undone: within an hour, or as long as another managed cluster has never left that spec.
    CloudFormation brings it back then because a later part of the same deploy failed, and that has to work.

    Args:
        digest: of the spec, see :func:`dr_core.standby.spec_digest`.
        managed_cluster: that would be changed to it.
        incarnations: of the deployment, those that are gone included.
        now: seconds since 1970.
    """
    known = [each for each in incarnations if each.spec_digest == digest and each.serving_from is not None]
    mine = [each for each in known if each.managed_cluster == managed_cluster and each.serving_to is not None]
    last = max(mine, key=lambda each: each.serving_to or 0, default=None)
    if last is None or last.serving_to is None or not last.taken_back or now - last.serving_to < UNDONE_SECONDS:
        return False
    left_at = last.serving_to
    return not any(
        each.managed_cluster != managed_cluster
        and each.state is IncarnationState.SERVING
        and (each.serving_from or 0) < left_at
        for each in known
    )


def is_way_back(
    spec: str | None,
    *,
    managed_cluster: str,
    incarnations: Iterable[Incarnation],
    well_seconds: float,
    now: float,
) -> bool:
    """Whether *spec* has served *managed_cluster* for long enough to be known as good.

    Such a change needs no proof, nor does it wait for anybody: CloudFormation takes a deploy back where something else
    failed, and an alarm that is on then speaks of what shall go.  What a change of this sort took away is not known as
    good any more (:func:`is_in_doubt`): deployed again, it is as any other change.

    Args:
        spec: that the change launches, JSON.
        managed_cluster: that is changed.
        incarnations: of the deployment, those that are gone included.
        well_seconds: for how long the settings want a change to have served before it counts as proved.
        now: seconds since 1970.
    """
    if spec is None:
        return False
    digest, known = spec_digest(spec), list(incarnations)
    if is_in_doubt(digest, managed_cluster=managed_cluster, incarnations=known, now=now):
        return False
    return any(
        each.managed_cluster == managed_cluster
        and each.spec_digest == digest
        and each.serving_from is not None
        and each.serving_to is not None
        and each.serving_to - each.serving_from >= well_seconds
        for each in known
    )
