"""What the probers and the load balancers have seen of an incarnation, as a verdict."""

from __future__ import annotations

import time

from dr_core.evidence import Evidence, sort_key_from
from dr_core.record import Incarnation
from dr_core.verdicts import Judgement, judge, looked_at_since
from failover.deployment import Deployment


def verdict_on(
    deployment: Deployment,
    incarnation: Incarnation,
    *,
    serving_from: float | None = None,
    looked_since: float | None = None,
) -> Judgement:
    """The verdict on an incarnation from the evidence of this moment.

    Args:
        deployment: where to read.
        incarnation: which.
        serving_from: passed on to :func:`dr_core.verdicts.judge`: judge it only as one in service since then.
        looked_since: passed on likewise: of a second look, when the first verdict was made.
    """
    policy = deployment.config.policy
    items = deployment.record.evidence(
        table_name=deployment.config.evidence_table,
        incarnation=incarnation.id,
        since=sort_key_from(looked_at_since(now=time.time(), policy=policy)),
    )
    return judge(
        (Evidence.from_item(item) for item in items),
        now=time.time(),
        policy=policy,
        serving_from=serving_from,
        looked_since=looked_since,
    )
