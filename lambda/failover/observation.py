"""What the probers and the load balancers have seen of an incarnation, as a verdict, and what may answer it."""

from __future__ import annotations

import time

from botocore.exceptions import BotoCoreError, ClientError

from dr_core.controls import Controls
from dr_core.evidence import Evidence, Verdict, sort_key_from
from dr_core.few_probers import policy_beside_canary
from dr_core.record import Incarnation, Incident, IncidentState, ManagedCluster
from dr_core.restraints import DeploymentView, view_of
from dr_core.verdicts import (
    Judgement,
    Termination,
    consider_termination,
    is_confirmed,
    judge,
    looked_at_since,
    termination_unknown,
)
from failover.deployment import Deployment
from failover.looking import evidence_now


def evidence_on(deployment: Deployment, incarnation: Incarnation) -> list[Evidence]:
    """What the evidence table holds of an incarnation at this moment, as far back as it matters for a verdict."""
    items = deployment.record.evidence(
        table_name=deployment.config.evidence_table,
        incarnation=incarnation.id,
        since=sort_key_from(looked_at_since(now=time.time(), policy=deployment.config.policy)),
    )
    return [Evidence.from_item(item) for item in items]


def nodes_evidence(deployment: Deployment, incarnation: Incarnation, *, until: float) -> list[Evidence]:
    """What the evidence table holds of an incarnation in the hour before *until*, seconds since 1970.

    A launch may take 45 minutes, and a ResourceManager that hung for as long may come back.
    """
    items = deployment.record.evidence(
        table_name=deployment.config.evidence_table, incarnation=incarnation.id, since=sort_key_from(until - 3600)
    )
    return [Evidence.from_item(item) for item in items]


def verdict_on(deployment: Deployment, incarnation: Incarnation, *, serving_from: float | None = None) -> Judgement:
    """The verdict on an incarnation from the evidence of this moment.

    Args:
        deployment: where to read.
        incarnation: which.
        serving_from: passed on to :func:`dr_core.verdicts.judge`: judge it only as one in service since then.
    """
    evidence = evidence_on(deployment, incarnation)
    return judge(evidence, now=time.time(), policy=deployment.config.policy, serving_from=serving_from)


def proof_on(deployment: Deployment, incarnation: Incarnation, *, canary_succeeded: bool) -> Judgement:
    """The verdict on a new incarnation from the evidence of this moment.

    Its canary's success stands in for a prober where too few are left to agree (:mod:`dr_core.few_probers`).
    """
    evidence, policy = evidence_on(deployment, incarnation), deployment.config.policy
    now = time.time()
    if canary_succeeded:
        policy = policy_beside_canary(evidence, now=now, policy=policy)
    return judge(evidence, now=now, policy=policy)


def has_open_incident(deployment: Deployment, managed_cluster: str) -> bool:
    """Whether the monitor called what serves there unhealthy, and nothing has mended it or taken its place yet."""
    item = deployment.record.get(Incident.key(managed_cluster)).get((Incident.KIND, managed_cluster))
    return item is not None and Incident.from_item(item).state is IncidentState.OPEN


def second_look(deployment: Deployment, incarnation: Incarnation, *, since: float | None) -> Judgement:
    """The verdict of this moment on looks that were made *since* the first verdict.

    A second look at the evidence of the first would confirm whatever that said.  Where rounds since then have not
    shown enough, the probers are asked to look now, as a sick half gets new jobs meanwhile; what they do not confirm
    is left to the rounds.
    """

    def verdict(*also: Evidence) -> Judgement:
        return judge(
            [*evidence, *also],
            now=time.time(),
            policy=deployment.config.policy,
            serving_from=incarnation.judged_from,
            looked_since=since,
        )

    evidence = evidence_on(deployment, incarnation)
    judgement = verdict()
    if judgement.verdict is not Verdict.UNKNOWN:
        return judgement
    looks = evidence_now(deployment, incarnation)
    again = verdict(*looks)
    return again if is_confirmed(again, looks, policy=deployment.config.policy) else judgement


def verdict_in_service(deployment: Deployment, incarnation: Incarnation) -> Judgement:
    """The verdict of this moment on an incarnation in service, as the monitor makes it.

    Raises:
        botocore.exceptions.ClientError: the evidence could not be read.
        botocore.exceptions.BotoCoreError: likewise.
    """
    judgement = verdict_on(deployment, incarnation, serving_from=incarnation.judged_from)
    if judgement.verdict is not Verdict.UNHEALTHY or incarnation.cluster_id is None:
        return judgement
    try:
        found = deployment.clusters.client.describe_cluster(ClusterId=incarnation.cluster_id)["Cluster"]
    except (BotoCoreError, ClientError) as error:
        return termination_unknown(judgement, why=str(error))
    termination = Termination.from_status(found.get("Status", {}))
    return consider_termination(judgement, termination, asked_at=incarnation.terminate_requested_at)


def view_now(deployment: Deployment) -> DeploymentView:
    """What the rules that keep automatic operations back have to know of the deployment, read now."""
    names = [each.name for each in deployment.config.managed_clusters]
    items = deployment.record.get(Controls.key(), *(ManagedCluster.key(name) for name in names))
    return view_of(
        Controls.from_item(items.pop((Controls.KIND, Controls.ID), None)),
        [ManagedCluster.from_item(item) for item in items.values()],
        deployment.record.incarnations(),
    )
