"""A stand-in with stacks, clusters that have a life but no machines, and functions that are callables of the test."""

from __future__ import annotations

import io
import json
import threading
import time
import urllib.request
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import moto.awslambda.models as lambda_models
from moto.emr.models import emr_backends

from emr_drill.addresses import Addresses
from emr_drill.clock import Clock
from emr_drill.ports import PrimaryFactory
from emr_drill.stand_in.patching import replace
from emr_drill.stand_in.server import StandIn
from emr_drill.timing import Timing

SPEED = 400.0
# How long a test waits for something to happen, in machine seconds; never an expectation.
PATIENCE_SECONDS = 30.0
LAUNCH_SECONDS, TERMINATION_SECONDS = 120.0, 30.0

Handler = Callable[[dict[str, Any]], Any]


class BriefClusters:
    """Clusters by moto whose state follows the clock: WAITING after a launch, TERMINATED a while after the call."""

    def __init__(self, stand_in: StandIn) -> None:
        self._clock = stand_in.clock
        self._backend = emr_backends[stand_in.account][stand_in.region]
        self._seen: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        self.failing_subnets: set[str] = set()
        self.held = False  # while true, no cluster gets ready

    def all(self) -> list[Any]:
        """Every cluster that was ever started, as moto's objects."""
        return list(self._backend.clusters.values())

    def cfn_status(self, cluster_id: str) -> str | None:
        """None while it starts, the reason of a failure, or an empty text."""
        begun = self._seen.setdefault(cluster_id, self._clock.now())
        if self._backend.clusters[cluster_id].ec2_subnet_id in self.failing_subnets:
            return "Cluster failed: no capacity"
        return "" if self._clock.now() - begun >= LAUNCH_SECONDS and not self.held else None

    def cfn_gone(self, cluster_id: str) -> bool:
        """Whether it has ended."""
        if self._backend.clusters[cluster_id].state not in ("TERMINATING", "TERMINATED"):
            return False
        ended = self._ended.setdefault(cluster_id, self._clock.now())
        return self._clock.now() - ended >= TERMINATION_SECONDS

    def alive(self) -> list[str]:
        """Ids of the clusters that were not ended."""
        return [cluster.id for cluster in self.all() if cluster.state not in ("TERMINATING", "TERMINATED")]


class StackWorld:
    """What tests of stacks need."""

    def __init__(self, stand_in: StandIn) -> None:
        self.stand_in = stand_in
        self.clusters = BriefClusters(stand_in)
        stand_in.clusters = cast(Any, self.clusters)
        self._handlers: dict[str, Handler] = {}
        self._failures: list[BaseException] = []
        replace(lambda_models.LambdaFunction, "invoke", self._invoke())

    def client(self, service: str) -> Any:
        """A boto3 client."""
        return self.stand_in.client(service)

    def function(self, name: str, handler: Handler) -> str:
        """Deploy a function that *handler* stands for; its ARN."""
        self._handlers[name] = handler
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("handler.py", "")
        role = self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        answer = self.client("lambda").create_function(
            FunctionName=name, Runtime="python3.13", Role=role, Handler="handler.x", Code={"ZipFile": code.getvalue()}
        )
        return str(answer["FunctionArn"])

    def answers_everything(self) -> None:
        """Let every function answer custom resources with success, and do nothing else."""
        self._handlers = defaultdict(lambda: lambda event: answer(event) if "ResponseURL" in event else None)

    def create(self, name: str, template: Mapping[str, Any], **options: Any) -> str:
        """CreateStack; the stack's id."""
        answer = self.client("cloudformation").create_stack(
            StackName=name, TemplateBody=json.dumps(template), **options
        )
        return str(answer["StackId"])

    def update(self, name_or_id: str, template: Mapping[str, Any], **options: Any) -> None:
        """UpdateStack."""
        self.client("cloudformation").update_stack(StackName=name_or_id, TemplateBody=json.dumps(template), **options)

    def events(self, name_or_id: str) -> list[tuple[str, str, str]]:
        """Logical id, status and reason of each event of a stack, oldest first."""
        found = self.client("cloudformation").describe_stack_events(StackName=name_or_id)["StackEvents"]
        return [
            (event["LogicalResourceId"], event["ResourceStatus"], event.get("ResourceStatusReason", ""))
            for event in reversed(found)
        ]

    def stack(self, name_or_id: str) -> dict[str, Any]:
        """What DescribeStacks says of a stack."""
        return dict(self.client("cloudformation").describe_stacks(StackName=name_or_id)["Stacks"][0])

    def settled(self, stack_id: str) -> str:
        """The status of a stack once nothing is in progress."""
        self.until(lambda: not self.stack(stack_id)["StackStatus"].endswith("_IN_PROGRESS"))
        return str(self.stack(stack_id)["StackStatus"])

    def until(self, condition: Callable[[], object]) -> None:
        """Return once *condition* holds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert not self._failures, self._failures
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.005)

    def _invoke(self) -> Any:
        def invoke(function: Any, body: str | bytes, headers: Any, response_headers: Any) -> str:
            event = json.loads(body)
            handler = self._handlers[function.function_name]
            threading.Thread(target=self._run, args=(handler, event), daemon=True).start()
            return ""

        return invoke

    def _run(self, handler: Handler, event: dict[str, Any]) -> None:
        try:
            handler(event)
        except BaseException as error:
            self._failures.append(error)
            raise


def answer(event: Mapping[str, Any], **content: Any) -> None:
    """Answer a custom resource's *event* as a function does."""
    body = {
        "Status": "SUCCESS",
        "PhysicalResourceId": event.get("PhysicalResourceId", "made"),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        **content,
    }
    request = urllib.request.Request(event["ResponseURL"], data=json.dumps(body).encode(), method="PUT")
    with urllib.request.urlopen(request, timeout=10) as reply:
        assert reply.status == 200


@contextmanager
def stack_world(workdir: Path, *, speed: float = SPEED, parts: tuple[str, ...] = ()) -> Iterator[StackWorld]:
    """A running world; *parts* of the stand-in run in it beside stacks."""
    stand_in = StandIn(
        clock=Clock.start(speed=speed),
        timing=Timing(seed=1),
        addresses=Addresses(block=90),
        workdir=workdir,
        primaries=cast(PrimaryFactory, None),
        parts=parts,
    )
    with stand_in:
        yield StackWorld(stand_in)


def cluster_template(subnet: Any = None, **changes: Any) -> dict[str, Any]:
    """A template of one cluster."""
    instances: dict[str, Any] = {
        "MasterInstanceGroup": {"InstanceCount": 1, "InstanceType": "m5.xlarge"},
        "CoreInstanceGroup": {"InstanceCount": 1, "InstanceType": "m5.xlarge"},
        "TerminationProtected": "false",
    }
    if subnet is not None:
        instances["Ec2SubnetId"] = subnet
    return {
        "Parameters": {"Generation": {"Type": "String", "Default": "1"}},
        "Resources": {
            "Cluster": {
                "Type": "AWS::EMR::Cluster",
                "Properties": {
                    "Name": {"Ref": "AWS::StackName"},
                    "ReleaseLabel": "emr-7.5.0",
                    "JobFlowRole": "any",
                    "ServiceRole": "any",
                    "Instances": instances,
                    "Tags": [{"Key": "emr-dr:generation", "Value": {"Ref": "Generation"}}],
                    **changes,
                },
            }
        },
        "Outputs": {"ClusterId": {"Value": {"Ref": "Cluster"}}},
    }


def subnet(world: StackWorld) -> str:
    """Id of a new subnet."""
    ec2 = world.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return str(ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"])


def queue_template(**queue: Any) -> dict[str, Any]:
    """A template of one queue, which is there at once."""
    return {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {}, **queue}}}
