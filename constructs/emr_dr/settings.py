"""The settings of emr-dr: one validated object, every key with a default.

The file is ``emr-dr.yaml`` (:mod:`emr_dr.settings_file` reads it); a wrong value ends synth with a
:class:`~emr_dr.settings_errors.SettingsError` that names key, value, what is allowed and what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from dr_core.config import Canary, Policy, ServicePorts
from dr_core.scaling import Scaling
from emr_dr import (
    cluster_settings,
    endpoints,
    fleet_settings,
    mwaa_settings,
    network_settings,
    policy_settings,
    spark_settings,
    tls_settings,
)
from emr_dr.cluster_settings import Cluster
from emr_dr.mwaa_settings import Mwaa, Peer
from emr_dr.network_settings import Network
from emr_dr.policy_settings import Controller, Monitor
from emr_dr.settings_errors import Problem, SettingsError, from_validation_error, section_at
from emr_dr.settings_section import Section
from emr_dr.tls_settings import Tls

CANARY_FILE = "hdfs:///tmp/emr-dr/canary.py"
"""Where the step ``install-canary`` puts the built-in canary job."""

# The retention times that CloudWatch Logs accepts (API reference of PutRetentionPolicy).
LogRetentionDays = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 3653]

Port = Annotated[int, Field(ge=1024, le=65535)]
S3Prefix = Annotated[
    str, Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/([^*?$]*)$", examples=["s3://lake/raw/"])
]
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
# As the Glue catalogue writes them: in lower case.
Database = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,255}$", examples=["curated"])]


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
        description="first part of every name, at most 20 characters. It cannot be changed after the first deploy: "
        "CloudFormation refuses that, see docs/life-cycle.md",
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
            *cluster_settings.problems(self.cluster, zones=self.network.zones),
            *fleet_settings.problems(
                self.cluster.fleets,
                of_groups=fleet_settings.set_in(self.cluster),
                launch_limit_seconds=self.controller.launch_limit_seconds,
            ),
            *policy_settings.problems(
                self.monitor, self.controller, zone_count=self.network.zone_count, standby=self.standby
            ),
            *spark_settings.problems(self.cluster.spark_defaults),
            *self._port_problems(),
            *self._key_problems(),
            *mwaa_settings.problems(self.mwaa),
            *tls_settings.problems(self.tls, region=self.region, release=self.cluster.release_label),
        ]
        if problems:
            raise SettingsError(problems)
        return self

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
