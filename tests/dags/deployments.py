"""Deployments in an AWS of moto, for the DAG that monitors them: record, evidence, clusters and a machine.

Nothing runs there: an execution that was started goes on for ever.
"""

from __future__ import annotations

import io
import json
import logging
import time
import zipfile
from dataclasses import replace
from datetime import datetime
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from dr_core.config import ENVIRONMENT_VARIABLE, Canary, FunctionConfig, ManagedClusterResources, Policy
from dr_core.controls import Controls
from dr_core.evidence import Evidence, Reading, Service, healthy, prober_observer, unhealthy
from dr_core.naming import execution_arn, incident_name
from dr_core.record import Incarnation, IncarnationState, Lease, ManagedCluster, Operation, Outcome
from dr_core.requests import Kind, OperationRequest, Reason

REGION = "us-east-1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "moto",
    "AWS_SECRET_ACCESS_KEY": "moto",
    "AWS_DEFAULT_REGION": REGION,
}
# Long ones, so that no look grows old while Airflow starts.
ROUND_SECONDS = 600
ZONES = ("us-east-1a", "us-east-1b")
UPGRADE = "a-switchover-00000000-0000-0000-0000-000000000001"
NAMES = WELL, SICK, LEASED, PAUSED, GIVEN_UP, BESIDE = "well", "sick", "leased", "paused", "given-up", "beside"
"""Deployments, and how ``a`` of each is: well; its Livy is sick; sick, and an upgrade works on it; sick, and automatic
operations are paused; sick, and three operations failed; sick, and an operation works on ``b``."""


class Deployments:
    """All of them, behind ``endpoint``."""

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each request
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"
        self._session = boto3.Session("moto", "moto", region_name=REGION)
        self._role = ""
        for name in NAMES:
            self._make(name)

    def close(self) -> None:
        """Stop."""
        self._server.stop()

    def keep(self, bucket: str, key: str, content: str) -> datetime:
        """Put an object into a bucket; when S3 says that it was made."""
        client: Any = self._client("s3")
        client.create_bucket(Bucket=bucket)
        client.put_object(Bucket=bucket, Key=key, Body=content.encode())
        found: datetime = client.head_object(Bucket=bucket, Key=key)["LastModified"]
        return found

    def executions(self, name: str) -> list[dict[str, Any]]:
        """Name and input of each execution of a deployment's machine."""
        client: Any = self._client("stepfunctions")
        found = client.list_executions(stateMachineArn=self._machine(name))["executions"]
        return [
            {
                "name": each["name"],
                "input": json.loads(client.describe_execution(executionArn=each["executionArn"])["input"]),
            }
            for each in found
        ]

    def _client(self, service: Any) -> Any:
        make: Any = self._session.client
        return make(service, endpoint_url=self.endpoint)

    def _machine(self, name: str) -> str:
        return f"arn:aws:states:{REGION}:123456789012:stateMachine:{name}-operation"

    def _make(self, name: str) -> None:
        machine = self._machine(name)
        config = FunctionConfig(
            deployment=name,
            record_table=f"{name}-record",
            evidence_table=f"{name}-evidence",
            managed_clusters=tuple(
                ManagedClusterResources(name=each, resource_manager_target_group="", name_node_target_group="")
                for each in ("a", "b")
            ),
            subnets=(),
            slots=(),
            balanced_target_group="",
            front_door_host="",
            load_balancer_host="",
            operation_state_machine=machine,
            canary=Canary(file="x"),
            policy=Policy(round_seconds=ROUND_SECONDS),
        )
        self._make_function(config)
        self._client("stepfunctions").create_state_machine(
            name=f"{name}-operation",
            definition=json.dumps({"StartAt": "Claim", "States": {"Claim": {"Type": "Succeed"}}}),
            roleArn=self._role,
        )
        now = time.time()
        looks = [
            Evidence(
                incarnation=incarnation,
                observer=prober_observer(zone),
                observed_at=now - number * ROUND_SECONDS,
                services=_services(sick=incarnation == "g000001" and name != WELL),
                front_door=True,
            )
            for incarnation in ("g000001", "g000002")
            for zone in ZONES
            for number in range(4)
        ]
        self._table(config.evidence_table, "incarnation", "observed", [each.to_item(round_seconds=1) for each in looks])
        cluster = self._client("emr").run_job_flow(
            Name=f"{name}-a-g1", Instances={"KeepJobFlowAliveWhenNoSteps": True}, JobFlowRole="x", ServiceRole="x"
        )["JobFlowId"]
        self._table(config.record_table, "kind", "id", self._record(name, cluster, now))

    def _record(self, name: str, cluster: str, now: float) -> list[dict[str, Any]]:
        serving = Incarnation(
            generation=1,
            managed_cluster="a",
            state=IncarnationState.SERVING,
            availability_zone=ZONES[0],
            primary_address="10.0.0.7",
            cluster_id=cluster,
            serving_from=now - 100_000,
        )
        other = replace(
            serving, generation=2, managed_cluster="b", availability_zone=ZONES[1], primary_address="10.0.1.7"
        )
        a = ManagedCluster(name="a", serving_generation=1)
        b = ManagedCluster(name="b", serving_generation=2)
        operations: list[Operation] = []
        if name in (LEASED, BESIDE):
            self._client("stepfunctions").start_execution(
                stateMachineArn=self._machine(name), name=UPGRADE, input=json.dumps({"request": "an upgrade"})
            )
            lease = Lease(execution=execution_arn(self._machine(name), UPGRADE), operation=UPGRADE, since=now - 60)
            a, b = (replace(a, lease=lease), b) if name == LEASED else (a, replace(b, lease=lease))
        if name == GIVEN_UP:
            incident = incident_name("a", now - 4000)
            operations = [_failed(incident, number, at=now - 4000 + 600 * number) for number in (1, 2, 3)]
        controls = Controls(paused=name == PAUSED, paused_because="maintenance")
        items: list[Any] = [serving, other, a, b, controls, *operations]
        return [each.to_item() for each in items]

    def _table(self, name: str, partition: str, sort: str, items: list[dict[str, Any]]) -> None:
        dynamodb: Any = self._session.resource("dynamodb", endpoint_url=self.endpoint)
        table = dynamodb.create_table(
            TableName=name,
            KeySchema=[
                {"AttributeName": partition, "KeyType": "HASH"},
                {"AttributeName": sort, "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in (partition, sort)],
            BillingMode="PAY_PER_REQUEST",
        )
        with table.batch_writer() as writer:
            for item in items:
                writer.put_item(Item=item)

    def _make_function(self, config: FunctionConfig) -> None:
        """The monitor's function, for its environment alone."""
        if not self._role:
            self._role = self._client("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("monitor.py", "")
        self._client("lambda").create_function(
            FunctionName=f"{config.deployment}-monitor",
            Runtime="python3.12",
            Role=self._role,
            Handler="monitor.handler",
            Code={"ZipFile": code.getvalue()},
            Environment={"Variables": {ENVIRONMENT_VARIABLE: json.dumps(config.to_dict())}},
        )


def _services(*, sick: bool) -> dict[Service, Reading]:
    found = {each: healthy("it answers") for each in Service}
    return {**found, Service.LIVY: unhealthy("connection refused")} if sick else found


def _failed(incident: str, attempt: int, *, at: float) -> Operation:
    request = OperationRequest(
        operation=f"{incident}-{attempt}",
        kind=Kind.FAILOVER,
        reason=Reason.UNHEALTHY,
        managed_cluster="a",
        incident=incident,
    )
    return Operation(
        id=request.operation,
        request=request.to_json(),
        managed_cluster="a",
        execution=f"arn:{request.operation}",
        started_at=at,
        outcome=Outcome.FAILED,
    )
