"""EMR steps that run our scripts on the primary of an incarnation: found by name, added once, looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from failover.clusters import Clusters
from failover.errors import InvariantError

if TYPE_CHECKING:
    from mypy_boto3_emr import EMRClient
    from mypy_boto3_emr.type_defs import StepConfigTypeDef

# A step is looked for among those that are at most this much older than the decision to add it: EMR's clock and ours.
_CLOCKS_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSeen:
    """A step as EMR describes it.

    Attributes:
        state: ``PENDING``, ``RUNNING``, ``COMPLETED``, ``CANCELLED``, ``FAILED`` ...
        reason: why it failed; may be empty.
    """

    state: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class EmrSteps:
    """Steps on the clusters of a deployment.

    Attributes:
        client: EMR.
        client_once: EMR through a client that does not repeat a call by itself: AddJobFlowSteps has no token, so that
            a repeated call adds a second step.
        clusters: knows which clusters are ours.
    """

    client: EMRClient
    client_once: EMRClient
    clusters: Clusters

    def ensure(
        self,
        cluster_id: str,
        *,
        managed_cluster: str,
        stack_name: str,
        name: str,
        script: str,
        arguments: Sequence[str] = (),
        decided_at: float,
    ) -> str:
        """The id of the step *name*, which is added unless an earlier call, whose answer may have been lost, added it.

        Args:
            cluster_id: where it runs.
            managed_cluster: whose the cluster has to be.
            stack_name: of the stack that the cluster has to be of.
            name: of the step; no other step of the cluster has it.
            script: ``s3://`` address of a shell script.
            arguments: of the script.
            decided_at: when it was decided to add the step, before the first call; seconds since 1970.  Older steps
                are not looked at: a cluster may have had thousands.

        Raises:
            failover.errors.InvariantError: the cluster is not ours.
            botocore.exceptions.ClientError: EMR takes no steps there, or could not be asked.
        """
        found = self._find(cluster_id, name, since=decided_at - _CLOCKS_SECONDS)
        if found is not None:
            return found
        self.clusters.check_ours(
            self.clusters.describe(cluster_id),
            cluster_id,
            managed_cluster=managed_cluster,
            stack_name=stack_name,
            to_be="given a step",
        )
        step: StepConfigTypeDef = {
            "Name": name,
            # The end of one step must never be the end of a cluster with jobs.
            "ActionOnFailure": "CONTINUE",
            "HadoopJarStep": {
                "Jar": f"s3://{self.client.meta.region_name}.elasticmapreduce/libs/script-runner/script-runner.jar",
                "Args": [script, *arguments],
            },
        }
        return self.client_once.add_job_flow_steps(JobFlowId=cluster_id, Steps=[step])["StepIds"][0]

    def see(self, cluster_id: str, step_id: str) -> StepSeen:
        """How the step is doing."""
        status = self.client.describe_step(ClusterId=cluster_id, StepId=step_id)["Step"].get("Status", {})
        details = status.get("FailureDetails", {})
        reason = " ".join(filter(None, (details.get("Reason", ""), details.get("Message", ""))))
        return StepSeen(state=status.get("State", ""), reason=reason)

    def cancel(self, cluster_id: str, step_id: str, *, name: str, managed_cluster: str, stack_name: str) -> str:
        """Ask EMR to cancel a step of ours; why it refused, empty if it took the request.

        That a request was taken does not mean that the step will be cancelled: look at the step again.  One that has
        begun in the meantime is interrupted.

        Args:
            cluster_id: where it waits.
            step_id: which.
            name: what we called it; a step with another name is not ours.
            managed_cluster: whose the cluster has to be.
            stack_name: of the stack that the cluster has to be of.

        Raises:
            failover.errors.InvariantError: the cluster or the step is not ours.
            botocore.exceptions.ClientError: EMR cancels nothing there, or could not be asked.
        """
        self.clusters.check_ours(
            self.clusters.describe(cluster_id),
            cluster_id,
            managed_cluster=managed_cluster,
            stack_name=stack_name,
            to_be="told to cancel a step",
        )
        found = self.client.describe_step(ClusterId=cluster_id, StepId=step_id)["Step"].get("Name")
        if found != name:
            raise InvariantError(f"step {step_id} must not be cancelled: its name is {found!r}, not {name!r}")
        answers = self.client.cancel_steps(ClusterId=cluster_id, StepIds=[step_id]).get("CancelStepsInfoList", [])
        refused = [each.get("Reason", "") for each in answers if each.get("Status") == "FAILED"]
        return (refused[0] or "EMR gives no reason") if refused else ""

    def _find(self, cluster_id: str, name: str, *, since: float) -> str | None:
        """The id of the step *name* among those created *since*; EMR lists the newest first."""
        for page in self.client.get_paginator("list_steps").paginate(ClusterId=cluster_id):
            for step in page["Steps"]:
                created = step.get("Status", {}).get("Timeline", {}).get("CreationDateTime")
                if created is not None and created.timestamp() < since:
                    return None
                if step.get("Name") == name:
                    return step.get("Id")
        return None
