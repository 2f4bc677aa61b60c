"""Tells how much of its range of ids each incarnation in service has used, as a metric that an alarm watches.

Nothing else is made of it: at the end of a range the ids go on into a prefix that belongs to nobody, and only a person
can say when a switchover, which brings a new range, disturbs least.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from dr_core.comparison import Recorded
from dr_core.id_ranges import used_percent
from dr_core.metrics import IDS_USED
from dr_core.record import Incarnation
from failover.deployment import Deployment
from failover.errors import NoProberAnsweredError

logger = Logger()


def tell_ids_used(deployment: Deployment, recorded: Recorded) -> None:
    """Write the metric of every managed cluster whose Livy tells its newest id; what is not known is not written.

    When no prober can be asked nobody is asked any more: each may take as long as its whole time limit.
    """
    for managed_cluster in recorded.managed_clusters:
        serving = recorded.in_service(managed_cluster)
        if serving is None or serving.unseeded:
            continue
        try:
            used = _used(deployment, serving)
        except (BotoCoreError, ClientError, NoProberAnsweredError) as error:
            logger.warning("the newest id is not known", extra={"incarnation": serving.id, "error": str(error)})
            return
        if used is not None:
            deployment.notices.share(IDS_USED, managed_cluster=managed_cluster.name, percent=used)


def _used(deployment: Deployment, serving: Incarnation) -> float | None:
    if serving.primary_address is None or serving.id_prefix is None:
        return None
    newest = deployment.probers.newest_id(address=serving.primary_address, near=serving.availability_zone)
    return None if newest is None else used_percent(newest, prefix=serving.id_prefix)
