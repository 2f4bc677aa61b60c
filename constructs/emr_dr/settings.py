"""The settings of emr-dr: one validated object, every key with a default.

The file is ``emr-dr.yaml`` (:mod:`emr_dr.settings_file` reads it); a wrong value ends synth with a
:class:`~emr_dr.settings_errors.SettingsError` that names key, value, what is allowed and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from dr_core.config import Canary, Policy, ServicePorts
from dr_core.scaling import Scaling
from emr_dr import endpoints, fleet_settings, mwaa_settings, network_settings, spark_settings, tls_settings
from emr_dr.fleet_settings import Fleets, InstanceType
from emr_dr.mwaa_settings import Mwaa, Peer
from emr_dr.network_settings import AvailabilityZone, Network
from emr_dr.settings_errors import Problem, SettingsError, from_validation_error, section_at
from emr_dr.settings_section import Section
from emr_dr.tls_settings import Tls

CANARY_FILE = "hdfs:///tmp/emr-dr/canary.py"
"""Where the step ``install-canary`` puts the built-in canary job."""

# The incarnation's own tags, and the one that lets EMR's service role touch a resource (it must not be overwritten).
RESERVED_TAG_PREFIXES = ("aws:", "emr-dr:", "for-use-with-amazon-emr-managed-policies")

# CreateStack takes 50, and the product has tags of its own.
MOST_TAGS = 40

# The retention times that CloudWatch Logs accepts (API reference of PutRetentionPolicy).
LogRetentionDays = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 3653]

Port = Annotated[int, Field(ge=1024, le=65535)]
S3Prefix = Annotated[
    str, Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/([^*?$]*)$", examples=["s3://lake/raw/"])
]
# As CreateStack takes it, which gives the tags to a cluster at its launch.
TagValue = Annotated[str, Field(min_length=1, max_length=256)]
KeyArn = Annotated[str, Field(pattern=r"^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+$")]
# CloudFormation takes a whole id for a key that encrypts.
OwnKeyArn = Annotated[
    str,
    Field(
        pattern=r"^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/"
        r"(mrk-[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$"
    ),
]
PolicyArn = Annotated[str, Field(pattern=r"^arn:[a-z-]+:iam::(\d{12}|aws):policy/[\w+=,.@/-]+$")]
# A policy names these alarms, so that nothing in a name may mean more than itself there; ASCII, so that its length is
# what it takes in the functions' variables.
AlarmName = Annotated[
    str,
    Field(pattern=r"^[!#%-)+->@-\[\]-~]([ !#%-)+->@-\[\]-~]{0,126}[!#%-)+->@-\[\]-~])?$", examples=["etl-jobs-failed"]),
]
# The functions' variables have room for so many.
MOST_BAKE_ALARMS = 3
# As the Glue catalogue writes them: in lower case.
Database = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,255}$", examples=["curated"])]


class Cluster(Section):
    """What every incarnation is launched with.

    A change starts a switchover to a new incarnation, but for scaling limits and tags: those the running cluster gets.
    """

    release_label: str = Field(
        default="emr-7.13.0",
        pattern=r"^emr-7\.\d+\.\d+$",
        description="EMR release of the 7 series; one that is not known here is taken, with a warning",
    )
    primary_instance_type: InstanceType = Field(default="m5.xlarge", description="machine of the one primary node")
    core_instance_type: InstanceType = Field(default="m5.xlarge", description="machine of the core nodes")
    minimum_instances: int = Field(
        default=2,
        ge=1,
        le=1000,
        description="core nodes at launch, and the least that scaling keeps; changed in place, no cluster is replaced",
    )
    maximum_instances: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="the most core nodes that managed scaling starts; changed in place, no cluster is replaced",
    )
    maximum_instances_alone: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="active-active: the most core nodes while the other cluster is out of service, so that one may do "
        "the work of both; at least maximum_instances; null leaves it at that; changed in place",
    )
    fleets: Fleets | None = Field(
        default=None,
        description="instance fleets in place of the instance types and limits above; null: instance groups "
        "(docs/instance-fleets.md)",
    )
    availability_zone_preference: tuple[AvailabilityZone, ...] | None = Field(
        default=None,
        strict=False,
        description="AZs in the order in which to launch; null takes the order of the network's list",
    )
    spark_defaults: dict[str, str] = Field(
        default_factory=dict,
        description="additions to spark-defaults, values as text; nothing that says where jobs and their drivers run",
    )
    tags: dict[str, TagValue] = Field(
        default_factory=dict,
        max_length=MOST_TAGS,
        description="additional tags of clusters and their machines; changed in place, no cluster is replaced",
    )
    finished_batch_retention_hours: int = Field(
        default=24, ge=1, le=168, description="how long Livy answers for a batch that has ended"
    )


class CanaryJob(Section):
    """The Spark job that proves an incarnation before it gets traffic."""

    file: str = Field(
        default=CANARY_FILE, min_length=1, description="URI that the cluster can read; the default is built in"
    )
    class_name: str = Field(default="", description="main class, empty for a Python file")
    arguments: tuple[str, ...] = Field(default=(), strict=False, description="arguments of the job, as text")
    limit_seconds: int = Field(
        default=300, ge=1, le=1200, description="how long it may take before the launch counts as failed"
    )


class Monitor(Section):
    """How evidence becomes a verdict, and what keeps automatic operations back."""

    round_seconds: Literal[5, 10, 15, 20, 30] = Field(
        default=10, description="time between two rounds, a part of a minute"
    )
    rounds: int = Field(default=4, ge=1, le=20, description="how many of the last rounds a verdict looks at")
    bad_rounds: int = Field(default=3, ge=1, le=20, description="how many of them must agree; at most rounds")
    vantage_points: int = Field(default=2, ge=2, le=4, description="observers that must agree, one of them a prober")
    read_limit_seconds: int = Field(
        default=3, ge=1, le=10, description="time limit of one reading; shorter than a round"
    )
    # The record keeps the times of the last ten.
    failovers_before_block: int = Field(
        default=2,
        ge=1,
        le=10,
        description="after so many automatic failovers of the deployment within block_window_seconds the next one "
        "waits until a person acknowledges them, or until the window has passed",
    )
    block_window_seconds: int = Field(default=7200, ge=600, le=86_400, description="see failovers_before_block")
    launches_per_day: int = Field(
        default=8,
        ge=1,
        le=100,
        description="how many clusters automatic operations of the deployment may launch in 24 hours",
    )


class Controller(Section):
    """Deadlines of operations and retirements."""

    launch_limit_seconds: int = Field(default=1200, ge=300, le=2700, description="deadline of one launch in one AZ")
    # CloudFormation waits at most 3600 s for the custom resource, which answers at cut-over: what is left covers
    # the other states of the operation.
    total_launch_limit_seconds: int = Field(
        default=2700, ge=300, le=2700, description="deadline of a launch over all AZs"
    )
    fence_limit_seconds: int = Field(
        default=300,
        ge=60,
        le=900,
        description="how long ids wait for proof that their applications are dead before they answer 410",
    )
    repair_limit_seconds: int = Field(
        default=240, ge=60, le=900, description="how long a restart of Livy may take before the cluster is replaced"
    )
    drain_limit_seconds: int = Field(
        default=14_400,
        ge=60,
        le=604_800,
        description="how long the jobs of a cluster that was replaced as planned have for coming to their end; what "
        "runs then is killed",
    )
    # Livy answers for a batch that has ended for an hour at least (cluster.finished_batch_retention_hours).
    linger_seconds: int = Field(
        default=900,
        ge=60,
        le=3600,
        description="how long Livy of such a cluster stays up after that, so that every client reads its results: the "
        "longest time between two polls",
    )
    orphan_seconds: int = Field(
        default=900,
        ge=300,
        le=86_400,
        description="for how long a stack or cluster with our name that no record knows is only told of; then it is "
        "removed",
    )
    bake_seconds: int = Field(
        default=300,
        ge=0,
        le=600,
        description="for how long what one managed cluster was changed to by a deploy has to serve well before the "
        "next one is changed",
    )
    bake_alarms: tuple[AlarmName, ...] = Field(
        default=(),
        strict=False,
        max_length=MOST_BAKE_ALARMS,
        description="names of metric alarms of CloudWatch, in this account and region, that speak of jobs: as long as "
        "one is on, or cannot tell, a deploy changes no second managed cluster, and fails (docs/life-cycle.md)",
    )
    share_availability_zone: bool = Field(
        default=True,
        description="whether a managed cluster may be launched in the AZ of another one when no other AZ is left, with "
        "an alarm until it has moved away; false: it stays down then until another AZ has room",
    )


class FrontDoor(Section):
    """The stable address and who may use it.  Whoever reaches Livy runs code with the clusters' role."""

    livy_port: Port = Field(default=8998, description="port of Livy, at the front door and on the primaries")
    resource_manager_port: Port = Field(default=8088, description="port of the ResourceManager, likewise")
    name_node_port: Port = Field(default=9870, description="port of the NameNode, likewise")
    livy_clients: tuple[Peer, ...] = Field(
        default=(),
        strict=False,
        description="private CIDR blocks and security group ids that may use Livy, besides the platform's clients' "
        "group",
    )
    web_interface_clients: tuple[Peer, ...] = Field(
        default=(),
        strict=False,
        description="private CIDR blocks and security group ids that may use ResourceManager and NameNode",
    )


class Permissions(Section):
    """What the clusters' machines may read and write besides the platform's own buckets."""

    read: tuple[S3Prefix, ...] = Field(
        default=(), strict=False, description="prefixes that jobs read, s3://bucket/prefix"
    )
    write: tuple[S3Prefix, ...] = Field(default=(), strict=False, description="prefixes that jobs read and write")
    keys: tuple[KeyArn, ...] = Field(default=(), strict=False, description="ARNs of the KMS keys of those prefixes")
    read_databases: tuple[Database, ...] = Field(
        default=(), strict=False, description="databases of the Glue catalogue whose tables jobs read"
    )
    write_databases: tuple[Database, ...] = Field(
        default=(), strict=False, description="databases of the Glue catalogue whose tables jobs read and write"
    )

    @property
    def uses_catalogue(self) -> bool:
        """Whether Spark's tables are those of the Glue catalogue."""
        return bool(self.read_databases or self.write_databases)


class Security(Section):
    """What a security team decides."""

    permissions_boundary: PolicyArn | None = Field(
        default=None,
        description="ARN of the managed policy that limits every role; it has to allow what docs/permissions.yaml "
        "lists",
    )
    key: OwnKeyArn | None = Field(
        default=None,
        description="ARN of the KMS key of the region that encrypts logs, artifacts, topic and disks, in place of one "
        "that the platform makes; its policy has to let in whom docs/security.md names (needs region); decided before "
        "the first deploy of a platform, which keeps its key (docs/security.md)",
    )
    session_manager: bool = Field(
        default=False,
        description="whether people may log in to machines of clusters by Session Manager (who may, IAM says); there "
        "are no SSH keys either way. The machines' role, which every job has, gets the agent's rights",
    )


class Settings(Section):
    """Everything that a person decides about a deployment.

    Raises:
        SettingsError: values that do not fit each other (construct through :meth:`parse` to get this error for
            single wrong values too).
    """

    name: str = Field(
        default="emr-dr",
        pattern=r"^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$",
        description="first part of every name, at most 20 characters",
    )
    region: str | None = Field(
        default=None,
        pattern=r"^[a-z]{2}(-[a-z]+)+-\d$",
        description="region that the templates are for; null makes templates that deploy into any region",
    )
    standby: Literal["none", "warm"] = Field(
        default="none",
        description="warm: active-passive keeps a second cluster of minimum_instances in another AZ, launched, proved "
        "every 15 minutes and not in service, so that a failover need not launch; it costs as much as a cluster that "
        "runs all the time. Active-active needs none: its other half serves meanwhile, and this says nothing to it",
    )
    network: Network = Field(default_factory=Network, description="the VPC")
    cluster: Cluster = Field(default_factory=Cluster, description="what every incarnation is launched with")
    canary: CanaryJob = Field(default_factory=CanaryJob, description="the job that proves an incarnation")
    monitor: Monitor = Field(
        default_factory=Monitor, description="how evidence becomes a verdict, and what keeps operations back"
    )
    controller: Controller = Field(default_factory=Controller, description="deadlines of operations and retirements")
    front_door: FrontDoor = Field(default_factory=FrontDoor, description="ports and clients of the stable address")
    permissions: Permissions = Field(default_factory=Permissions, description="data that jobs may use")
    security: Security = Field(default_factory=Security, description="permissions boundary, key, who logs in")
    tls: Tls = Field(default_factory=Tls, description="encryption in transit")
    mwaa: Mwaa = Field(default_factory=Mwaa, description="Airflow, which submits the jobs")
    log_retention_days: LogRetentionDays = Field(default=90, description="how long log groups keep their events")
    alert_email: str | None = Field(
        default=None,
        pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
        description="address that gets the alerts; null sends them to nobody yet",
    )

    @classmethod
    def parse(cls, values: Mapping[str, Any], *, source: str = "settings") -> Self:
        """The settings in *values*, a mapping as YAML gives it.

        Raises:
            SettingsError: lists every wrong value.
        """
        # A section whose keys are all commented out reads as null.
        present = {key: value for key, value in values.items() if value is not None or key not in _sections(cls)}
        try:
            return cls.model_validate(present)
        except ValidationError as error:
            raise from_validation_error(error, model=cls, source=source) from error
        except SettingsError as error:
            raise SettingsError(error.problems, source=source) from error

    @property
    def ports(self) -> ServicePorts:
        """The ports of the services, and what they speak there, as the functions know them."""
        door, scheme = self.front_door, self.tls.cluster_scheme
        given = {name: getattr(door, f"{name}_port") for name in ("livy", "resource_manager", "name_node")}
        if scheme == "https":
            # Hadoop's own ports of its web interfaces that speak HTTPS (core-default and hdfs-default).
            for name, port in (("resource_manager", 8090), ("name_node", 9871)):
                if f"{name}_port" not in door.model_fields_set:
                    given[name] = port
        return ServicePorts(scheme=scheme, **given)

    @property
    def callers(self) -> frozenset[str]:
        """What is in use that calls services from within the VPC, see :func:`emr_dr.endpoints.needed`."""
        in_use = {
            endpoints.AIRFLOW: self.mwaa.mode == "create",
            endpoints.CATALOGUE: self.permissions.uses_catalogue,
            endpoints.SESSIONS: self.security.session_manager,
        }
        return frozenset(part for part, used in in_use.items() if used)

    @property
    def policy(self) -> Policy:
        """The numbers of the rules, as the functions know them."""
        return Policy(**self.monitor.model_dump(), **self.controller.model_dump())

    @property
    def scaling(self) -> Scaling:
        """The limits of managed scaling, as the functions know them."""
        cluster = self.cluster
        if cluster.fleets is not None:
            return cluster.fleets.scaling
        return Scaling(
            minimum_instances=cluster.minimum_instances,
            maximum_instances=cluster.maximum_instances,
            maximum_instances_alone=cluster.maximum_instances_alone,
        )

    @property
    def canary_job(self) -> Canary:
        """The canary, as the functions know it."""
        return Canary(**self.canary.model_dump())

    @model_validator(mode="after")
    def _values_fit_each_other(self) -> Self:
        problems = [
            *network_settings.problems(self.network, region=self.region, parts=self.callers),
            *network_settings.client_problems("front_door.livy_clients", self.front_door.livy_clients),
            *network_settings.client_problems(
                "front_door.web_interface_clients", self.front_door.web_interface_clients
            ),
            *network_settings.client_problems("mwaa.web_server_clients", self.mwaa.web_server_clients),
            *self._cluster_problems(),
            *fleet_settings.problems(
                self.cluster.fleets,
                of_groups=fleet_settings.set_in(self.cluster),
                launch_limit_seconds=self.controller.launch_limit_seconds,
            ),
            *self._time_problems(),
            *self._alarm_problems(),
            *self._standby_problems(),
            *spark_settings.problems(self.cluster.spark_defaults),
            *self._port_problems(),
            *self._key_problems(),
            *mwaa_settings.problems(self.mwaa),
            *tls_settings.problems(self.tls, region=self.region, release=self.cluster.release_label),
        ]
        if problems:
            raise SettingsError(problems)
        return self

    def _cluster_problems(self) -> Iterator[Problem]:
        cluster, zones = self.cluster, self.network.zones
        preference = cluster.availability_zone_preference
        if preference is not None:
            key = "cluster.availability_zone_preference"
            if zones is None:
                yield Problem(
                    key=key,
                    got=list(preference),
                    allowed="null as long as network.availability_zones is null",
                    remedy="name region and network.availability_zones too",
                )
            elif unknown := [zone for zone in preference if zone not in zones]:
                yield Problem(
                    key=key,
                    got=unknown,
                    allowed=f"AZs of the network: {', '.join(zones)}",
                    remedy="name one of these, or add the AZ to the network",
                )
            if len(set(preference)) < len(preference):
                yield Problem(key=key, got=list(preference), allowed="each AZ once", remedy="remove the repetition")
        if cluster.minimum_instances > cluster.maximum_instances:
            yield Problem(
                key="cluster.minimum_instances",
                got=cluster.minimum_instances,
                allowed=f"at most cluster.maximum_instances ({cluster.maximum_instances})",
                remedy="lower it, or raise cluster.maximum_instances",
            )
        alone = cluster.maximum_instances_alone
        if alone is not None and alone < cluster.maximum_instances:
            yield Problem(
                key="cluster.maximum_instances_alone",
                got=alone,
                allowed=f"null, or at least cluster.maximum_instances ({cluster.maximum_instances})",
                remedy="raise it, or lower cluster.maximum_instances",
            )
        for name in cluster.tags:
            if name.startswith(RESERVED_TAG_PREFIXES) or not re.fullmatch(r"[\w .:/=+@-]{1,128}", name):
                yield Problem(
                    key=f"cluster.tags.{name}",
                    got=name,
                    allowed="names of 1 to 128 letters, digits and _ . : / = + - @ that begin with none of "
                    + ", ".join(RESERVED_TAG_PREFIXES),
                    remedy="choose another name",
                )

    def _alarm_problems(self) -> Iterator[Problem]:
        key, names = "controller.bake_alarms", self.controller.bake_alarms
        if arns := [name for name in names if name.startswith("arn:")]:
            yield Problem(
                key=key,
                got=arns,
                allowed="names of metric alarms in the deployment's own account and region",
                remedy="write what stands behind :alarm: in the ARN",
            )
        if len(set(names)) < len(names):
            yield Problem(key=key, got=list(names), allowed="each alarm once", remedy="remove the repetition")
        if names and not self.controller.bake_seconds:
            yield Problem(
                key=key,
                got=list(names),
                allowed="none with controller.bake_seconds: 0, which asks for no proof",
                remedy="remove them, or raise controller.bake_seconds",
            )

    def _time_problems(self) -> Iterator[Problem]:
        monitor, controller = self.monitor, self.controller
        if monitor.bad_rounds > monitor.rounds:
            yield Problem(
                key="monitor.bad_rounds",
                got=monitor.bad_rounds,
                allowed=f"at most monitor.rounds ({monitor.rounds})",
                remedy="lower it, or raise monitor.rounds",
            )
        zones = self.network.zone_count
        if monitor.vantage_points > zones:
            yield Problem(
                key="monitor.vantage_points",
                got=monitor.vantage_points,
                allowed=f"at most {zones}, the number of AZs: when one of them is lost, the probers of the others and "
                "the load balancer's health checks are all that can see it",
                remedy="lower it, or use more AZs",
            )
        if monitor.read_limit_seconds >= monitor.round_seconds:
            yield Problem(
                key="monitor.read_limit_seconds",
                got=monitor.read_limit_seconds,
                allowed=f"less than monitor.round_seconds ({monitor.round_seconds})",
                remedy="lower it, or lengthen the round",
            )
        if controller.launch_limit_seconds > controller.total_launch_limit_seconds:
            yield Problem(
                key="controller.launch_limit_seconds",
                got=controller.launch_limit_seconds,
                allowed=f"at most controller.total_launch_limit_seconds ({controller.total_launch_limit_seconds})",
                remedy="lower it",
            )

    def _standby_problems(self) -> Iterator[Problem]:
        if self.standby == "warm" and self.monitor.launches_per_day < 2:
            yield Problem(
                key="monitor.launches_per_day",
                got=self.monitor.launches_per_day,
                allowed="2 at least with standby: warm, as standbys may use half of it",
                remedy="raise it, or set standby: none",
            )

    def _port_problems(self) -> Iterator[Problem]:
        door = self.front_door
        used: dict[int, str] = {}
        for name in ("livy_port", "resource_manager_port", "name_node_port"):
            port: int = getattr(door, name)
            if port in used:
                yield Problem(
                    key=f"front_door.{name}",
                    got=port,
                    allowed=f"a port of its own (front_door.{used[port]} has this one)",
                    remedy="choose another port",
                )
            used[port] = name

    def _key_problems(self) -> Iterator[Problem]:
        key = self.security.key
        if key is not None and (region := key.split(":")[3]) != self.region:
            yield Problem(
                key="security.key",
                got=key,
                allowed=f"a key of the region {self.region}" if self.region else "null as long as region is null",
                remedy=f"set region: {region}" + ("" if self.region is None else ", or name a key of the other one"),
            )


def _sections(model: type[BaseModel]) -> set[str]:
    return {name for name in model.model_fields if section_at(model, (name,)) is not None}
