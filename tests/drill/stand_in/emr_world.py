"""EMR alone, clusters without machines, and time that runs two thousand times faster."""

from __future__ import annotations

import io
import json
import os
import re
import time
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from moto.ec2.models import ec2_backends

from emr_drill.addresses import Addresses
from emr_drill.clock import Clock
from emr_drill.ports import PrimaryFactory, PrimaryPlan, Service, StepResult
from emr_drill.stand_in.emr import EmrClusters
from emr_drill.stand_in.emr_api import EmrApi
from emr_drill.stand_in.server import ACCOUNT, StandIn, reset_moto
from emr_drill.timing import Timing

SPEED = 2000.0
LIMIT_SECONDS = 30.0  # machine time; only a failure takes that long
SCRIPT_RUNNER = "s3://us-east-1.elasticmapreduce/libs/script-runner/script-runner.jar"
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")


class FakePrimary:
    """A primary that runs nothing and remembers what it was asked."""

    def __init__(self, plan: PrimaryPlan, *, result: StepResult, broken: str) -> None:
        self.plan = plan
        self.scripts: list[tuple[bytes, tuple[str, ...]]] = []
        self.terminated_at: float | None = None
        self.frozen: set[Service] = set()
        self.asked: list[str] = []
        self.killed_at: dict[Service, float] = {}
        self.revived_at: dict[Service, float] = {}
        self._result = result
        self._broken = broken
        self._running: dict[Service, bool] = {}

    @property
    def address(self) -> str:
        """As planned."""
        return self.plan.address

    def start(self) -> None:
        """Start, unless the test says otherwise."""
        if self._broken:
            raise RuntimeError(self._broken)
        self._running = dict.fromkeys(Service, True)

    def run_script(self, script: bytes, arguments: Sequence[str]) -> StepResult:
        """Remember the script."""
        self.scripts.append((script, tuple(arguments)))
        return self._result

    def kill(self, services: Sequence[Service]) -> None:
        """Mark as dead."""
        self._running.update(dict.fromkeys(services, False))
        self.killed_at.update(dict.fromkeys(services, self.plan.clock.now()))

    def freeze(self, services: Sequence[Service]) -> None:
        """Mark as frozen."""
        self.frozen.update(services)

    def thaw(self, services: Sequence[Service]) -> None:
        """Mark as going on."""
        self.frozen.difference_update(services)

    def revive(self, service: Service) -> None:
        """Mark as alive."""
        if self.terminated_at is not None:
            raise RuntimeError("it is terminated")
        self._running[service] = True
        self.revived_at[service] = self.plan.clock.now()

    def set_safe_mode(self, on: bool) -> None:
        """Remember it."""
        if not self._running[Service.NAME_NODE]:
            raise RuntimeError("the NameNode is dead")
        self.asked.append(f"safe mode {on}")

    def stop_nodes(self) -> None:
        """Remember it."""
        self.asked.append("stop nodes")

    def slow(self, seconds: float) -> None:
        """Remember it."""
        self.asked.append(f"slow {seconds:g}")

    def running(self) -> Mapping[Service, bool]:
        """What is not dead."""
        return self._running

    def terminate(self) -> None:
        """Mark as gone."""
        self._running = dict.fromkeys(Service, False)
        self.terminated_at = self.plan.clock.now()


class FakeFactory:
    """Makes fake primaries."""

    def __init__(self, *, result: StepResult | None = None, broken: str = "") -> None:
        self.made: list[FakePrimary] = []
        self._result = result or StepResult(exit_code=0, output="done\n")
        self._broken = broken

    def check(self) -> None:
        """Nothing is missing."""

    def create(self, plan: PrimaryPlan) -> FakePrimary:
        """One more."""
        self.made.append(FakePrimary(plan, result=self._result, broken=self._broken))
        return self.made[-1]


class Scripts:
    """As much of S3 as reads scripts."""

    class exceptions:
        """As in a client of boto3."""

        ClientError = ClientError

    def __init__(self) -> None:
        self.files = {"script.sh": b"echo hello\n"}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        """A script that is there."""
        if Key not in self.files:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": f"no {Key} in {Bucket}"}}, "GetObject")
        return {"Body": io.BytesIO(self.files[Key])}


class InProcess:
    """Calls EMR's API without HTTP."""

    def __init__(self, clusters: EmrClusters) -> None:
        self._api = EmrApi(clusters)

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        def operation(**request: Any) -> dict[str, Any]:
            answer: dict[str, Any] = json.loads(json.dumps(getattr(self._api, name)(json.loads(json.dumps(request)))))
            return answer

        return operation


class EmrWorld:
    """EMR with a subnet in each AZ."""

    def __init__(self, stand_in: Any, emr: Any) -> None:
        self.stand_in = stand_in
        self.clusters: EmrClusters = stand_in.clusters
        self.emr = emr
        ec2 = ec2_backends[stand_in.account][stand_in.region]
        network = ec2.create_vpc(cidr_block="10.0.0.0/16").id
        self.subnets: dict[str, str] = {
            zone: ec2.create_subnet(network, f"10.0.{number}.0/24", availability_zone=zone).id
            for number, zone in enumerate(ZONES)
        }

    def launch(self, *, zone: str = ZONES[0], steps: Sequence[dict[str, Any]] = (), **more: Any) -> str:
        """RunJobFlow; the cluster's id."""
        instances = {
            "Ec2SubnetId": self.subnets[zone],
            "KeepJobFlowAliveWhenNoSteps": True,
            "InstanceGroups": [
                {"InstanceRole": "MASTER", "InstanceCount": 1, "InstanceType": "m5.xlarge"},
                {"InstanceRole": "CORE", "InstanceCount": 2, "InstanceType": "m5.2xlarge"},
            ],
            **more.pop("instances", {}),
        }
        request = {"Name": "a-g1", "ServiceRole": "service", "JobFlowRole": "machines", "Steps": list(steps), **more}
        return str(self.emr.run_job_flow(Instances=instances, **request)["JobFlowId"])

    def describe(self, cluster_id: str) -> Any:
        """The cluster of DescribeCluster."""
        return self.emr.describe_cluster(ClusterId=cluster_id)["Cluster"]

    def wait(self, cluster_id: str, *states: str) -> None:
        """Wait until the cluster was in one of *states*."""
        until(lambda: any(state in states for state, _ in self.clusters.history(cluster_id)))

    def waiting(self, **more: Any) -> str:
        """A cluster that is WAITING."""
        cluster_id = self.launch(**more)
        self.wait(cluster_id, "WAITING")
        return cluster_id

    def ended(self, cluster_id: str) -> str:
        """Wait until the cluster ended; its last state."""
        self.wait(cluster_id, "TERMINATED", "TERMINATED_WITH_ERRORS")
        return self.clusters.history(cluster_id)[-1][0]


def step(
    name: str = "one", *, script: str = "script.sh", action: str = "CONTINUE", arguments: Sequence[str] = ("argument",)
) -> dict[str, Any]:
    """A step that runs a script."""
    jar = {"Jar": SCRIPT_RUNNER, "Args": [f"s3://scripts/{script}", *arguments]}
    return {"Name": name, "ActionOnFailure": action, "HadoopJarStep": jar}


def until(true: Callable[[], object]) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not true():
        assert time.monotonic() < deadline, "it did not become true"
        time.sleep(0.005)


@contextmanager
def emr_world(
    workdir: Path,
    *,
    primaries: PrimaryFactory | None = None,
    speed: float = SPEED,
    scripts: dict[str, bytes] | None = None,
) -> Iterator[EmrWorld]:
    """EMR without the rest of the stand-in."""
    reset_moto()
    s3 = Scripts()
    s3.files.update(scripts or {})
    stand_in: Any = types.SimpleNamespace(
        clock=Clock.start(speed=speed),
        timing=Timing(seed=1),
        addresses=Addresses(block=_block()),
        workdir=workdir,
        primaries=primaries or FakeFactory(),
        region="us-east-1",
        account=ACCOUNT,
        journal=[],
        client={"s3": s3}.__getitem__,
    )
    stand_in.clusters = EmrClusters(stand_in)
    try:
        yield EmrWorld(stand_in, InProcess(stand_in.clusters))
    finally:
        stand_in.clusters.close()


@contextmanager
def emr_behind_http(workdir: Path) -> Iterator[EmrWorld]:
    """A stand-in with EMR in it, called as the product calls AWS."""
    stand_in = StandIn(
        clock=Clock.start(speed=SPEED),
        timing=Timing(seed=1),
        addresses=Addresses(block=_block()),
        workdir=workdir,
        primaries=FakeFactory(),
        parts=("emr",),
    )
    with stand_in:
        s3 = stand_in.client("s3")
        s3.create_bucket(Bucket="scripts")
        s3.put_object(Bucket="scripts", Key="script.sh", Body=b"echo hello\n")
        yield EmrWorld(stand_in, stand_in.client("emr"))


def _block() -> int:
    """An address block of this worker's own."""
    worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0")
    return 90 + worker % 10
