"""Which request of CloudFormation is the latest one for a managed cluster: an older one must do nothing any more.

Lambda delivers an event at least once, calls the function for two of them side by side, and calls it again minutes
after it was killed.  Who cancels a deploy while that happens is told that what runs is what is asked for; what the
cancelled deploy asked for must not come after that.
"""

from __future__ import annotations

import time
from dataclasses import replace

from botocore.exceptions import ClientError

from dr_core.record import ManagedCluster, Operation
from failover.deployment import Deployment
from failover.record_store import Change, RecordStore

# From one transaction that met another one to the next try.
CONFLICT_SECONDS = (0.5, 1.0)


def is_in_order(deployment: Deployment, *, managed_cluster: str, request_id: str) -> bool:
    """Note a request down when it is delivered for the first time; whether it is the latest one still."""
    written = change_in_turn(
        deployment.record,
        Change(
            key={"kind": "delivered-request", "id": request_id},
            values={"at": time.time()},
            condition="attribute_not_exists(#kind)",
        ),
        Change(key=ManagedCluster.key(managed_cluster), values={"latest_request": request_id}),
    )
    return written or is_latest(deployment, managed_cluster=managed_cluster, request_id=request_id)


def is_latest(deployment: Deployment, *, managed_cluster: str, request_id: str) -> bool:
    """Whether no newer request for a managed cluster has come than the one with *request_id*."""
    found = deployment.record.managed_cluster(managed_cluster)
    return found is None or found.latest_request in (None, request_id)


def is_overtaken(managed_cluster: ManagedCluster, operation: Operation) -> bool:
    """Whether a newer request of CloudFormation has come than the one that asked for *operation*, if one did."""
    answer = operation.answer
    return answer is not None and managed_cluster.latest_request not in (None, answer.request_id)


def while_latest(change: Change, request_id: str) -> Change:
    """*change*, of a managed cluster, made only as long as no newer request has come than that with *request_id*.

    A managed cluster that was created by hand, or by what knows no order, has no latest request.
    """
    latest = "(attribute_not_exists(#latest_request) OR #latest_request = :request)"
    return replace(
        change,
        condition=f"({change.condition}) AND {latest}" if change.condition else latest,
        condition_values={**(change.condition_values or {}), "request": request_id},
    )


def change_in_turn(record: RecordStore, *changes: Change) -> bool:
    """Make *changes* together; whether their conditions held.

    Of two deliveries that write at the same moment DynamoDB cancels one, which nobody calls again.
    """
    for seconds in CONFLICT_SECONDS:
        try:
            return record.change_together(*changes)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "TransactionCanceledException":
                raise
            time.sleep(seconds)
    return record.change_together(*changes)
