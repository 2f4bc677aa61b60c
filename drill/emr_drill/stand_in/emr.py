"""EMR of the stand-in: clusters that take as long as real ones and have real processes behind them.

moto's clusters are WAITING when RunJobFlow returns and have nothing behind them; here each has a life of its own
(:mod:`emr_drill.stand_in.emr_life`), and the API is answered from it (:mod:`emr_drill.stand_in.emr_api`).
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

from moto.ec2.models import ec2_backends
from moto.emr.models import emr_backends

from emr_drill.front_door.tls import blind
from emr_drill.ports import Primary, PrimaryPlan, StepResult
from emr_drill.stand_in import emr_api, emr_fleets
from emr_drill.stand_in.cluster_faults import ClusterFaults
from emr_drill.stand_in.emr_fleets import InstanceFleet, machines_in_words
from emr_drill.stand_in.emr_life import ClusterLife, World
from emr_drill.stand_in.emr_network import EmrNetwork
from emr_drill.stand_in.emr_records import (
    ENDED,
    ENDING,
    Cluster,
    ClusterState,
    InstanceGroup,
    Step,
    new_id,
    subnets_of,
)
from emr_drill.stand_in.emr_scaling import maximum_of, problem_of
from emr_drill.stand_in.launch_faults import LaunchFaults
from emr_drill.timing import Event

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn

LEDGER_FILE = "ledger.jsonl"
# States that EMR publishes events for, by the table in its management guide.
PUBLISHED = ENDED | {ClusterState.STARTING, ClusterState.RUNNING, ClusterState.WAITING}
SCRIPT_RUNNER, COMMAND_RUNNER = "script-runner.jar", "command-runner.jar"
UNFINISHED = "NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING"
RESOURCE_MANAGER_PORT = 8088
ASK_SECONDS = 2.0  # machine time


def install(stand_in: StandIn) -> None:
    """Put EMR into moto, and give *stand_in* its ``clusters``, which must be closed when it ends."""
    stand_in.clusters = EmrClusters(stand_in)
    emr_api.apply(stand_in.clusters)


class ClusterSeen(NamedTuple):
    """A cluster in one line."""

    cluster_id: str
    name: str
    availability_zone: str
    address: str | None
    state: str


class EmrClusters(ClusterFaults, LaunchFaults):
    """All clusters of the stand-in, and what the drill may do to them behind EMR's back.

    Attributes:
        network: rules and interfaces that EMR makes for them.
    """

    def __init__(self, stand_in: StandIn) -> None:
        ClusterFaults.__init__(self, clock=stand_in.clock)
        LaunchFaults.__init__(self)
        self._stand_in = stand_in
        self.network = EmrNetwork(stand_in)
        self._lives: dict[str, ClusterLife] = {}
        self._lock = threading.RLock()
        self._launched: Counter[int] = Counter()
        self._world = World(
            clock=stand_in.clock,
            timing=stand_in.timing,
            assign_address=self._assign_address,
            stuck=self.stuck,
            capacity_failure=self.capacity_failure,
            available=self.available,
            bootstrap_failure=self.bootstrap_failure,
            make_primary=self._make_primary,
            run_step=self._run_step,
            changed=self._changed,
        )

    @property
    def place(self) -> tuple[str, str]:
        """Region and account of every cluster."""
        return self._stand_in.region, self._stand_in.account

    def tags_of(self, cluster_id: str) -> dict[str, str]:
        """Tags of a cluster; none of one that nobody launched."""
        with self._lock:
            life = self._lives.get(cluster_id)
        return dict(life.cluster.tags) if life is not None else {}

    # What the API does.

    def launch(self, request: Mapping[str, Any]) -> Cluster:
        """Begin a cluster as RunJobFlow does.

        Args:
            request: the arguments of RunJobFlow.

        Raises:
            ValueError: EMR would refuse them, or the stand-in cannot do what they ask for.
        """
        instances = request.get("Instances", {})
        if problem := _problem_of(instances):
            raise ValueError(problem)
        groups, fleets = instances.get("InstanceGroups") or [], instances.get("InstanceFleets") or []
        (wanted,) = subnets_of(instances)
        subnets = ec2_backends[self._stand_in.account][self._stand_in.region]
        subnet = next(iter(subnets.describe_subnets(filters={"subnet-id": wanted})), None)
        if subnet is None:
            raise ValueError(f"The subnet {wanted} does not exist.")
        zones = sorted(one.name for one in subnets.describe_availability_zones())
        scaling = request.get("ManagedScalingPolicy")
        if scaling is not None and (problem := problem_of(scaling, fleets=bool(fleets))):
            raise ValueError(problem)
        now = self._stand_in.clock.now()
        cluster = Cluster(
            id=new_id("j"),
            request=request,
            availability_zone=subnet.availability_zone,
            zone=zones.index(subnet.availability_zone) + 1,
            network=subnet.cidr_block,
            groups=[InstanceGroup(id=new_id("ig"), request=one) for one in groups],
            fleets=[InstanceFleet(id=new_id("if"), request=one) for one in fleets],
            created=now,
            tags={one["Key"]: one.get("Value", "") for one in request.get("Tags") or []},
            termination_protected=bool(instances.get("TerminationProtected", False)),
            managed_scaling=scaling,
        )
        life = ClusterLife(cluster=cluster, world=self._world)
        life.add_steps([self.new_step(cluster, one) for one in request.get("Steps") or []])
        with self._lock:
            self._lives[cluster.id] = life
        self.network.prepare(cluster)
        self.launched(cluster)
        life.start()
        return cluster

    def scaled(self, cluster: Cluster) -> None:
        """Write down that somebody changed the limits of managed scaling."""
        self._stand_in.journal.append(
            {
                "at": self._stand_in.clock.now(),
                "kind": "scaling",
                "cluster": cluster.id,
                "name": cluster.name,
                "maximum": maximum_of(cluster.managed_scaling),
            }
        )

    def tagged(self, cluster: Cluster) -> None:
        """Write down that somebody changed the tags of a cluster."""
        about = {"cluster": cluster.id, "name": cluster.name, "tags": dict(cluster.tags)}
        self._stand_in.journal.append({"at": self._stand_in.clock.now(), "kind": "tags", **about})

    def new_step(self, cluster: Cluster, request: Mapping[str, Any]) -> Step:
        """A step of *cluster*, with the time that it takes; not in its line yet."""
        seconds = self._stand_in.timing.draw(Event.EMR_STEP, cluster.name)
        return Step(id=new_id("s"), request=request, seconds=seconds, created=self._stand_in.clock.now())

    def life(self, cluster_id: str) -> ClusterLife:
        """The life of a cluster.

        Raises:
            KeyError: there is no such cluster.
        """
        with self._lock:
            return self._lives[cluster_id]

    def lives(self) -> list[ClusterLife]:
        """The life of every cluster that there ever was, oldest first."""
        with self._lock:
            return list(self._lives.values())

    def all(self) -> list[Cluster]:
        """Every cluster that there ever was, oldest first."""
        return [life.cluster for life in self.lives()]

    # What CloudFormation asks.

    def cfn_status(self, cluster_id: str) -> str | None:
        """Whether the resource is made: ``None`` not yet, ``""`` yes, else why it failed.

        Made means WAITING; at which state of the cluster AWS completes the resource is not documented.
        """
        cluster = self.life(cluster_id).cluster
        if any(state is ClusterState.WAITING for state, _ in cluster.history):
            return ""
        if cluster.state not in ENDING:
            return None
        return f"Cluster {cluster_id} is {cluster.state}: {cluster.reason.code}: {cluster.reason.message}"

    def cfn_gone(self, cluster_id: str) -> bool:
        """Whether the resource is deleted: the cluster ended, or there never was one."""
        with self._lock:
            life = self._lives.get(cluster_id)
        return life is None or life.cluster.state in ENDED

    # What the drill asks and does.

    def states(self) -> list[ClusterSeen]:
        """Every cluster that there ever was, oldest first."""
        return [ClusterSeen(one.id, one.name, one.availability_zone, one.address, str(one.state)) for one in self.all()]

    def by_address(self, address: str) -> ClusterSeen | None:
        """The cluster whose primary has *address*; no two clusters of a drill ever have the same."""
        return next((one for one in self.states() if one.address == address), None)

    def history(self, cluster_id: str) -> list[tuple[str, float]]:
        """Every state that a cluster was in, and when it began, in simulated seconds since 1970."""
        return [(str(state), at) for state, at in self.life(cluster_id).cluster.history]

    def most_instances(self, cluster_id: str) -> int | None:
        """The most that managed scaling may start of a cluster now; ``None`` without a policy."""
        return maximum_of(self.life(cluster_id).cluster.managed_scaling)

    def applications_running(self, name: str) -> bool:
        """Whether an application may still run on the cluster called *name*: not if it ended, or if its
        ResourceManager says so; a ResourceManager that does not answer proves nothing."""
        found = [cluster for cluster in self.all() if cluster.name == name]
        return any(cluster.state not in ENDED and self._may_run(cluster) for cluster in found)

    def quiet(self) -> bool:
        """Whether no cluster runs an application that could still do something."""
        return not any(self.applications_running(one.name) for one in self.states())

    def close(self) -> None:
        """End every cluster at once, and leave EMR's API to moto."""
        emr_api.remove()
        lives = self.lives()
        for life in lives:
            life.close()
        for life in lives:
            life.join()

    # What the life of a cluster needs.

    def _assign_address(self, cluster: Cluster) -> str:
        with self._lock:
            number = self._launched[cluster.zone]
            self._launched[cluster.zone] += 1
        return self._stand_in.addresses.primary(cluster.zone, number)

    def _make_primary(self, cluster: Cluster) -> Primary:
        assert cluster.address is not None, "a primary is made when it has an address"
        directory = self._stand_in.workdir / "clusters" / cluster.id
        directory.mkdir(parents=True, exist_ok=True)
        return self._stand_in.primaries.create(
            PrimaryPlan(
                cluster_id=cluster.id,
                name=cluster.name,
                address=cluster.address,
                directory=directory,
                ledger=self._stand_in.workdir / LEDGER_FILE,
                clock=self._stand_in.clock,
                classifications=cluster.classifications,
                seed=self._stand_in.timing.seed,
                certificates=self._certificates(cluster),
            )
        )

    def _certificates(self, cluster: Cluster) -> bytes | None:
        """The archive that the cluster's security configuration names."""
        name = cluster.request.get("SecurityConfiguration")
        if not name:
            return None
        # moto keeps the document of a template as it came, and not as the text that the API would give.
        kept = emr_backends[self._stand_in.account][self._stand_in.region].get_security_configuration(name)
        document = kept.security_configuration
        if isinstance(document, str):
            document = json.loads(document)
        encryption = document.get("EncryptionConfiguration", {})
        if not encryption.get("EnableInTransitEncryption"):
            return None
        address = encryption["InTransitEncryptionConfiguration"]["TLSCertificateConfiguration"]["S3Object"]
        bucket, _, key = address.removeprefix("s3://").partition("/")
        content: bytes = self._stand_in.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def _run_step(self, cluster: Cluster, primary: Primary, step: Step) -> StepResult:
        return self.with_step_faults(cluster, primary, step, run=lambda: self._run_program(primary, step))

    def _run_program(self, primary: Primary, step: Step) -> StepResult:
        jar = step.jar.rsplit("/", 1)[-1]
        if jar == SCRIPT_RUNNER and step.arguments:
            script, *arguments = step.arguments
            try:
                return primary.run_script(self._fetch(script), arguments)
            except self._stand_in.client("s3").exceptions.ClientError as error:
                return StepResult(exit_code=1, output=f"cannot read {script}: {error}")
        if jar == COMMAND_RUNNER and step.arguments:
            return primary.run_script(b'exec "$@"\n', step.arguments)
        return StepResult(
            exit_code=1, output=f"the stand-in runs {SCRIPT_RUNNER} and {COMMAND_RUNNER} with arguments, got {step.jar}"
        )

    def _fetch(self, uri: str) -> bytes:
        parts = urlsplit(uri)
        answer = self._stand_in.client("s3").get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))
        body: bytes = answer["Body"].read()
        return body

    def _changed(self, cluster: Cluster, step: Step | None) -> None:
        about = {"at": self._stand_in.clock.now(), "cluster": cluster.id, "name": cluster.name}
        if step is not None:
            self._stand_in.journal.append(
                {**about, "kind": "step", "step": step.name, "state": str(step.state), "output": step.message}
            )
            return
        if cluster.state in ENDED:
            self.network.release(cluster)
        self._stand_in.journal.append(
            {
                **about,
                "kind": "cluster",
                "state": str(cluster.state),
                "availability_zone": cluster.availability_zone,
                "address": cluster.address,
                "reason": f"{cluster.reason.code} {cluster.reason.message}".strip(),
                **({"machines": machines_in_words(cluster.fleets)} if cluster.fleets else {}),
            }
        )
        bus = getattr(self._stand_in, "event_bus", None)  # tests leave it out
        if bus is not None and cluster.state in PUBLISHED:
            bus.publish(
                source="aws.emr",
                detail_type="EMR Cluster State Change",
                detail=_event(cluster),
                resources=[cluster.arn(self._stand_in.region, self._stand_in.account)],
            )

    def _may_run(self, cluster: Cluster) -> bool:
        if cluster.address is None:
            return False
        yarn = cluster.classifications.get("yarn-site", {})
        secure = yarn.get("yarn.http.policy") == "HTTPS_ONLY"
        site = yarn.get(f"yarn.resourcemanager.webapp.{'https.' if secure else ''}address", "")
        port = site.rsplit(":", 1)[1] if ":" in site else RESOURCE_MANAGER_PORT
        url = f"http{'s' if secure else ''}://{cluster.address}:{port}/ws/v1/cluster/apps?states={UNFINISHED}"
        try:
            opener = build_opener(ProxyHandler({}), HTTPSHandler(context=blind()))
            with opener.open(url, timeout=ASK_SECONDS) as answer:
                return bool((json.load(answer).get("apps") or {}).get("app"))
        except (URLError, OSError, ValueError):
            return True


def _problem_of(instances: Mapping[str, Any]) -> str | None:
    """Why EMR, or the stand-in, does not launch these ``Instances``."""
    if instances.get("InstanceFleets"):
        if problem := emr_fleets.problem_of(instances):
            return problem
        if len(instances["Ec2SubnetIds"]) > 1:
            return "the stand-in does not choose between several subnets: name one in Ec2SubnetIds"
        return None
    if not instances.get("InstanceGroups") or not instances.get("Ec2SubnetId"):
        return "the stand-in launches instance groups in one subnet: InstanceGroups and Ec2SubnetId"
    return None


def _event(cluster: Cluster) -> dict[str, Any]:
    failed = cluster.state is ClusterState.TERMINATED_WITH_ERRORS
    return {
        "severity": "CRITICAL" if failed else "INFO",
        # A string, not an object, in EMR's events.
        "stateChangeReason": json.dumps({"code": cluster.reason.code, "message": cluster.reason.message}),
        "name": cluster.name,
        "clusterId": cluster.id,
        "state": str(cluster.state),
        "message": f"Amazon EMR Cluster {cluster.id} ({cluster.name}) is {cluster.state}.",
    }
