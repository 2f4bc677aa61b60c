"""The health monitor of a deployment as a DAG: every minute it judges each cluster in service, and starts a failover.

**It is off, and most deployments should leave it so.**  The product has this monitor already, as the function
``DEPLOYMENT-monitor``, and that is the better place for it:

* it makes a round every 10 s; Airflow begins a run every minute, some seconds late, and its workers take their time;
* it depends on nothing that jobs depend on.  MWAA is not in the path of a recovery: its web server, its database, a
  full pool or a broken DAG must not be able to hold one up;
* it is watched itself (a heartbeat, whose absence is an alarm), and it writes down what it finds.

Turn this one on where somebody wants to see health among the DAGs, or as a second pair of eyes for the case that the
function or its schedule is broken.  Both may run at once: they name an operation by the fault that it answers, so that
both asking for it start it once.

How it works: it looks at no cluster itself.  ResourceManager and NameNode are closed to Airflow, as whoever reaches
them can run code; the probers in each AZ look at them and at Livy over REST every 10 s and write down what they see.
This DAG reads that evidence, applies the rules that the function applies (``dr_core``, from the wheel: two vantage
points, 3 of 4 rounds, unknown is not unhealthy) with the same numbers, and asks for the same operation.  It cannot
start a second one while one runs: it asks for none where an execution holds the managed cluster's lease, or another
managed cluster is worked on; Step Functions refuses a name that was used; and the machine's first step, ``Claim``,
calls off a failover that finds the lease held.  What the machine itself checks holds as well: a pause, the block after
two failovers, the budget of launches, and a second look before anything is changed.

It needs the wheel ``emr-dr-airflow``, and Airflow's variable ``emr_dr_deployment`` if the deployment is not
``emr-dr-active-passive``.  The execution role needs, for the account and the region of the deployment::

    lambda:GetFunctionConfiguration    arn:aws:lambda:REGION:ACCOUNT:function:DEPLOYMENT-monitor
    dynamodb:GetItem, dynamodb:Query   the table of the record
    dynamodb:Query                     the table of the evidence
    elasticmapreduce:DescribeCluster   arn:aws:elasticmapreduce:REGION:ACCOUNT:cluster/*  (an environment that the
                                       product made has it)
    states:DescribeExecution           arn:aws:states:REGION:ACCOUNT:execution:DEPLOYMENT-operation:*
    states:StartExecution              arn:aws:states:REGION:ACCOUNT:stateMachine:DEPLOYMENT-operation

It writes nowhere.  Every DAG of the environment has these rights too: whoever may write DAGs may start a failover.
Without a NAT gateway the environment needs endpoints in its VPC for Lambda, EMR and Step Functions besides, made by
hand: no setting makes them (DynamoDB has one).
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.exceptions import AirflowException

from dr_core.config import ENVIRONMENT_VARIABLE, FunctionConfig
from dr_core.controls import Controls
from dr_core.evidence import Evidence, Verdict, sort_key_from
from dr_core.execution_status import is_forgotten
from dr_core.incidents import Action, overtaken
from dr_core.onlooker import Sight, decide, operation_ids
from dr_core.record import Incarnation, Incident, ManagedCluster, Operation
from dr_core.requests import OperationRequest
from dr_core.restraints import Judged, in_order, view_of
from dr_core.verdicts import (
    Judgement,
    Termination,
    consider_termination,
    judge,
    looked_at_since,
    termination_unknown,
)

try:
    from airflow.sdk import DAG, task
except ImportError:  # Airflow 2
    from airflow.decorators import task
    from airflow.models.dag import DAG

DEPLOYMENT = "emr-dr-active-passive"

log = logging.getLogger("airflow.task")

_NOT_JUDGED = Judgement(verdict=Verdict.UNKNOWN, reason="nothing is in service")


class Onlooker:
    """Reads what there is of a deployment and asks for operations; writes nothing."""

    def __init__(self, deployment: str, client: Callable[[str], Any]) -> None:
        """Read the configuration of the deployment's monitor.

        Args:
            deployment: its name.
            client: makes the boto3 client of a service.
        """
        found = client("lambda").get_function_configuration(FunctionName=f"{deployment}-monitor")
        self.config = FunctionConfig.from_json(found["Environment"]["Variables"][ENVIRONMENT_VARIABLE])
        self._dynamodb, self._emr, self._machines = client("dynamodb"), client("emr"), client("stepfunctions")

    def look(self) -> list[dict[str, Any]]:
        """Judge each incarnation in service, and answer the verdicts; what was found and done, an entry for each."""
        incarnations = {each.generation: each for each in map(Incarnation.from_item, self._all(Incarnation.KIND))}
        sights = [self._sight(each.name, incarnations) for each in self.config.managed_clusters]
        controls = Controls.from_item(self._item(Controls.key()))
        view = view_of(controls, [each.managed_cluster for each in sights], incarnations.values())
        report = []
        for sight in _in_order(sights, incarnations):
            others = [each for each in sights if each is not sight]
            response, request = decide(sight, others, view, now=time.time(), policy=self.config.policy)
            started, reason = ("", response.reason) if request is None else self._start(request, sight)
            report.append(
                {
                    "managed_cluster": sight.managed_cluster.name,
                    "generation": sight.managed_cluster.serving_generation,
                    "verdict": str(sight.judgement.verdict),
                    "action": str(response.action),
                    "reason": reason,
                    "operation": started,
                }
            )
            if started:
                break  # one at a time; the next run looks at the others
        return report

    def _sight(self, name: str, incarnations: Mapping[int, Incarnation]) -> Sight:
        """What is seen of a managed cluster."""
        item, incident = self._item(ManagedCluster.key(name)), self._item(Incident.key(name))
        managed_cluster = ManagedCluster.from_item(item) if item else ManagedCluster(name=name)
        serving = _serving(managed_cluster, incarnations)
        first, last = operation_ids(name, now=time.time())
        operations = [Operation.from_item(each) for each in self._all(Operation.KIND, first, last)]
        held = [(each.execution, each.started_at) for each in operations if each.outcome is None and each.execution]
        if managed_cluster.lease is not None:
            held.append((managed_cluster.lease.execution, managed_cluster.lease.since))
        return Sight(
            managed_cluster=managed_cluster,
            judged_from=serving.judged_from if serving else None,
            judgement=self._judge(serving) if serving else _NOT_JUDGED,
            incident=Incident.from_item(incident) if incident else None,
            operations=operations,
            running={execution for execution, since in held if execution and self._runs(execution, since=since)},
        )

    def _judge(self, serving: Incarnation) -> Judgement:
        """The verdict, as the function makes it of the same evidence."""
        policy = self.config.policy
        names = {"#incarnation": "incarnation", "#observed": "observed"}
        seen = self._query(
            TableName=self.config.evidence_table,
            KeyConditionExpression="#incarnation = :incarnation AND #observed >= :since",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=_stored(
                {
                    ":incarnation": serving.id,
                    ":since": sort_key_from(looked_at_since(now=time.time(), policy=policy)),
                }
            ),
        )
        evidence = [Evidence.from_item(each) for each in seen]
        judgement = judge(evidence, now=time.time(), policy=policy, serving_from=serving.judged_from)
        if judgement.verdict is not Verdict.UNHEALTHY or serving.cluster_id is None:
            return judgement
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            cluster = self._emr.describe_cluster(ClusterId=serving.cluster_id)["Cluster"]
        except (BotoCoreError, ClientError) as error:
            return termination_unknown(judgement, why=str(error))
        termination = Termination.from_status(cluster.get("Status", {}))
        return consider_termination(judgement, termination, asked_at=serving.terminate_requested_at)

    def _start(self, request: OperationRequest, sight: Sight) -> tuple[str, str]:
        """Ask for an operation; its id if it was started now or had been, and why or why not."""
        item = self._item(ManagedCluster.key(request.managed_cluster))
        reason = overtaken(sight.managed_cluster, ManagedCluster.from_item(item) if item else None)
        if reason is not None:
            return "", reason
        try:
            self._machines.start_execution(
                stateMachineArn=self.config.operation_state_machine,
                name=request.operation,
                input=json.dumps({"request": request.to_dict()}, sort_keys=True),
            )
        except self._machines.exceptions.ExecutionAlreadyExists:
            return (
                "",
                f"an execution called {request.operation} was started before, and has ended or does something else",
            )
        return request.operation, sight.judgement.reason

    def _runs(self, execution: str, *, since: float | None) -> bool:
        try:
            return bool(self._machines.describe_execution(executionArn=execution)["status"] == "RUNNING")
        except self._machines.exceptions.ExecutionDoesNotExist:
            return not is_forgotten(since=since, now=time.time())

    def _item(self, key: Mapping[str, str]) -> dict[str, Any] | None:
        answer = self._dynamodb.get_item(TableName=self.config.record_table, Key=_stored(key), ConsistentRead=True)
        return _plain(answer["Item"]) if "Item" in answer else None

    def _all(self, kind: str, first: str = "", last: str = "") -> list[dict[str, Any]]:
        """The record's items of a kind; with bounds, those whose ids lie between."""
        bounds = {":first": first, ":last": last} if last else {}
        return self._query(
            TableName=self.config.record_table,
            KeyConditionExpression="#kind = :kind" + (" AND #id BETWEEN :first AND :last" if bounds else ""),
            ExpressionAttributeNames={"#kind": "kind", **({"#id": "id"} if bounds else {})},
            ExpressionAttributeValues=_stored({":kind": kind, **bounds}),
        )

    def _query(self, **arguments: Any) -> list[dict[str, Any]]:
        pages = self._dynamodb.get_paginator("query").paginate(**arguments, ConsistentRead=True)
        return [_plain(item) for page in pages for item in page["Items"]]


def _serving(managed_cluster: ManagedCluster, incarnations: Mapping[int, Incarnation]) -> Incarnation | None:
    """The incarnation in service, if there is one with an address."""
    found = incarnations.get(managed_cluster.serving_generation or 0)
    return None if found is None or found.primary_address is None else found


def _in_order(sights: Sequence[Sight], incarnations: Mapping[int, Incarnation]) -> Iterator[Sight]:
    """Those with an incarnation in service, in the order in which the function answers them."""
    by_name = {each.managed_cluster.name: each for each in sights}
    judged = [
        Judged(managed_cluster=name, availability_zone=serving.availability_zone, judgement=each.judgement)
        for name, each in by_name.items()
        if (serving := _serving(each.managed_cluster, incarnations))
    ]
    incidents = {name: each.incident for name, each in by_name.items() if each.incident is not None}
    return (by_name[each.managed_cluster] for each in in_order(judged, incidents))


def _stored(values: Mapping[str, str]) -> dict[str, Any]:
    return {name: {"S": value} for name, value in values.items()}


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    from boto3.dynamodb.types import TypeDeserializer

    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def client(service: str) -> Any:
    """A boto3 client with short limits: who waits for an answer has nothing to say in time."""
    import boto3
    from botocore.config import Config

    limits = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 3, "mode": "standard"})
    region = os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION")
    make: Any = boto3.client  # which has a type for each service's name
    return make(service, region_name=region, config=limits)


with DAG(
    dag_id="emr_health_monitor",
    description="Judges the clusters in service and starts failovers; off, as the product's monitor does this",
    doc_md=__doc__,
    schedule=timedelta(minutes=1),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    is_paused_upon_creation=True,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=5),
    tags=["emr-dr", "monitor"],
    default_args={"owner": "emr-dr"},
) as dag:

    @task(
        task_id="look_and_answer",
        retries=1,
        retry_delay=timedelta(seconds=10),
        execution_timeout=timedelta(minutes=2),
    )
    def look_and_answer(deployment: str) -> list[dict[str, Any]]:
        """One round: what was found of each managed cluster, and what was done.

        In one task, as between two of them the evidence would grow old.
        """
        report = Onlooker(deployment, client).look()
        for each in report:
            log.log(logging.INFO if each["verdict"] == Verdict.HEALTHY else logging.WARNING, "%s", json.dumps(each))
        given_up = [each for each in report if each["action"] == Action.GIVE_UP]
        if given_up:
            raise AirflowException(f"a person is needed: {json.dumps(given_up)}")
        return report

    look_and_answer(f"{{{{ var.value.get('emr_dr_deployment', '{DEPLOYMENT}') }}}}")
