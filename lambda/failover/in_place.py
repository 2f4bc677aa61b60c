"""Changes scaling limits and tags of what serves as a managed cluster, because a deploy asked for that alone."""

from __future__ import annotations

import time

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from dr_core.record import Incarnation, ManagedCluster
from dr_core.scaling import serves_alone, wanted_limits
from dr_core.specs import Spec
from failover.deployment import Deployment
from failover.record_store import Change
from failover.request_order import change_in_turn, while_latest
from failover.scaling import bring_in_line

logger = Logger()


def request_key(request_id: str) -> dict[str, str]:
    """Key of the item that says that a request of CloudFormation is done with, though nothing was launched for it.

    It was carried out in place, which may have failed, or there was nothing to do.  Lambda delivers an
    event at least once, at times hours later, and a newer request may have been carried out since.
    """
    return {"kind": "changed-in-place", "id": request_id}


def change_in_place(
    deployment: Deployment, managed_cluster: ManagedCluster, spec: Spec, *, request_id: str
) -> tuple[str, dict[str, str]]:
    """Let what serves have the limits and tags of *spec*, and every later launch too.

    The cluster is changed before the record: what EMR refuses leaves the spec that there was, and the reconciliation
    brings back whatever was changed until then.

    Args:
        deployment: whose.
        managed_cluster: as it was read a moment ago; something serves as it.
        spec: what it shall be; differs from its present one in limits and tags only.
        request_id: of CloudFormation's request.

    Returns:
        What was done, in a sentence, and the attributes of the custom resource.

    Raises:
        ValueError: it could not be done; says why, for whoever deploys.
    """
    incarnation = deployment.record.incarnation(managed_cluster.serving_generation or 0)
    if incarnation is None or incarnation.cluster_id is None:
        raise ValueError(
            f"nothing is known to serve as managed cluster {managed_cluster.name}: look how it stands "
            "(docs/runbook.md, part 2), and deploy again when something does"
        )
    try:
        done = _change(deployment, managed_cluster, incarnation, spec)
    except (BotoCoreError, ClientError) as error:
        logger.exception("limits and tags could not be changed", extra={"cluster": incarnation.cluster_id})
        raise ValueError(
            f"scaling limits and tags of {incarnation.title} ({incarnation.cluster_id}) could not be changed: {error}. "
            "The old ones hold on, and what was changed already is put back within minutes (while automatic operations "
            "are paused it is not): deploy again when the reason is gone"
        ) from error
    written = change_in_turn(
        deployment.record,
        while_latest(
            Change(
                key=ManagedCluster.key(managed_cluster.name),
                values={"spec": spec.to_json()},
                condition="#spec = :old AND #serving_generation = :serving",
                condition_values={"old": managed_cluster.spec, "serving": managed_cluster.serving_generation},
            ),
            request_id,
        ),
        Change(key=request_key(request_id), values={"at": time.time()}),
    )
    # Another delivery of this request may have been faster: CloudFormation must not hear of a failure then.
    if not written and not deployment.record.has(request_key(request_id)):
        raise ValueError(
            f"another cluster took over managed cluster {managed_cluster.name} while its limits and tags were being "
            "changed, or a newer request came: deploy again"
        )
    return done, {"ClusterId": incarnation.cluster_id, "Generation": str(incarnation.generation)}


def _change(deployment: Deployment, managed_cluster: ManagedCluster, incarnation: Incarnation, spec: Spec) -> str:
    cluster_id, scaling = incarnation.cluster_id or "", spec.scaling
    if scaling is None:
        raise ValueError("a change in place has limits: deploy the stack that the app synthesized")
    seen = deployment.clusters.describe(cluster_id)
    if seen is None or seen.ends:
        return f"{cluster_id} ends; what takes over from it gets the new limits and tags"
    now = time.time()
    names = [each.name for each in deployment.config.managed_clusters]
    known = [each for name in names if (each := deployment.record.managed_cluster(name)) is not None]
    limits = wanted_limits(
        scaling,
        alone=serves_alone(managed_cluster.name, managed_clusters=known, incarnations=deployment.record.incarnations()),
        last_alone_at=managed_cluster.alone_at,
        now=now,
    )
    found = deployment.clusters.limits(cluster_id)
    bring_in_line(deployment, incarnation, seen, limits=limits, spec=spec, found=found)
    return f"{cluster_id} runs on, with {limits.counted} and its tags as asked for"
