"""What people are told: one message in plain words to the alert topic, and the metrics of a recovery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from botocore.exceptions import BotoCoreError, ClientError

from dr_core import metrics

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

logger = Logger()

# What SNS takes as a subject: up to 100 characters, ASCII.
_SUBJECT_LENGTH = 100


@dataclass(frozen=True, kw_only=True)
class Notices:
    """The alert topic and the metrics of a deployment."""

    client: SNSClient
    topic: str
    deployment: str

    def tell(self, *, subject: str, happened: str, done: str, to_do: str) -> None:
        """Publish one message: what happened, what was done about it, what a person should do next.

        A topic that refuses it (its key is disabled, say) must stop neither a recovery nor what tidies up after one:
        the message goes to the log then, and the metric ``NoticesRefused`` counts it.
        """
        text = f"What happened: {happened}\n\nWhat was done: {done}\n\nWhat to do next: {to_do}\n"
        try:
            self.client.publish(
                TopicArn=self.topic, Subject=f"{self.deployment}: {subject}"[:_SUBJECT_LENGTH], Message=text
            )
        except (BotoCoreError, ClientError):
            logger.exception("the alert topic refused a message", extra={"subject": subject, "text": text})
            self._emit(metrics.NOTICES_REFUSED, MetricUnit.Count, 1)

    def measure(self, seconds: Mapping[str, float], *, managed_cluster: str) -> None:
        """Write one metric in seconds for each entry of *seconds*."""
        for name, value in seconds.items():
            self._emit(name, MetricUnit.Seconds, round(value, 3), managed_cluster=managed_cluster)

    def count(self, name: str, *, managed_cluster: str | None = None, value: int = 1) -> None:
        """Write the metric *name*, of a managed cluster or of the deployment: something that an alarm counts."""
        self._emit(name, MetricUnit.Count, value, managed_cluster=managed_cluster)

    def share(self, name: str, *, managed_cluster: str, percent: float) -> None:
        """Write the metric *name* of a managed cluster: how much of something is used."""
        self._emit(name, MetricUnit.Percent, percent, managed_cluster=managed_cluster)

    def _emit(self, name: str, unit: MetricUnit, value: float, *, managed_cluster: str | None = None) -> None:
        dimensions = {metrics.DEPLOYMENT_DIMENSION: self.deployment}
        if managed_cluster is not None:
            dimensions[metrics.MANAGED_CLUSTER_DIMENSION] = managed_cluster
        with single_metric(
            name=name, unit=unit, value=value, namespace=metrics.NAMESPACE, default_dimensions=dimensions
        ):
            pass
