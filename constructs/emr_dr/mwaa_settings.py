"""The section ``mwaa`` of the settings: Airflow on Amazon Managed Workflows for Apache Airflow (MWAA)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from emr_dr import airflow_releases
from emr_dr.airflow_options import connection_id
from emr_dr.settings_errors import Problem
from emr_dr.settings_section import Section

STRATEGIES = ("active-passive", "active-active")
"""The strategies that Airflow has a connection to."""

LogLevel = Literal["CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG", "none"]
EnvironmentClass = Literal["mw1.micro", "mw1.small", "mw1.medium", "mw1.large", "mw1.xlarge", "mw1.2xlarge"]
# A CIDR block or the id of a security group.
Peer = Annotated[str, Field(pattern=r"^(sg-[0-9a-f]{8,17}|\d{1,3}(\.\d{1,3}){3}/\d{1,2})$")]

# Of an account: those of AWS allow more than one job needs.
OwnPolicyArn = Annotated[str, Field(pattern=r"^arn:aws(-[a-z]+)*:iam::\d{12}:policy/[\w+=,.@/-]+$")]

_SMALLEST = "mw1.micro"
# The smallest class has one of each and does not scale, so that MWAA refuses any other number; the others have two
# schedulers at least (API reference of MWAA, CreateEnvironment; user guide, "Amazon MWAA environment class").
_LEAST_SCHEDULERS = 2
# Of the environment's class and of nobody else: these say how MWAA makes one.
_OF_CREATE = ("environment_class", "minimum_workers", "maximum_workers", "schedulers", "web_server_access")


class AirflowLogs(Section):
    """Which of Airflow's logs go to CloudWatch, from which level on."""

    dag_processing: LogLevel = Field(default="WARNING", description="level of what reads the DAG files; none: no log")
    scheduler: LogLevel = Field(
        default="INFO", description="level of the schedulers; INFO shows how requirements were installed; none: no log"
    )
    task: LogLevel = Field(default="INFO", description="level of the tasks; none: no log")
    web_server: LogLevel = Field(default="WARNING", description="level of the web servers; none: no log")
    worker: LogLevel = Field(default="WARNING", description="level of the workers; none: no log")


class Mwaa(Section):
    """Airflow, which submits the jobs: made here, one that is there, or none."""

    mode: Literal["create", "existing", "none"] = Field(
        default="none",
        description="create: an MWAA environment in the Platform stack, which takes 20 to 30 minutes and costs money "
        "all the time; existing: lets an environment that you have use the front door, and outputs what it still "
        "needs; none: nothing of Airflow is made",
    )
    airflow_version: str = Field(
        default="3.0.6", description=f"release of the environment: {airflow_releases.SUPPORTED}"
    )
    livy_provider_version: str | None = Field(
        default=None,
        pattern=r"^\d+\.\d+\.\d+$",
        description="version of apache-airflow-providers-apache-livy; null takes the one of the release's constraints",
    )
    livy_default: Literal["active-passive", "active-active"] = Field(
        default="active-passive",
        description="the strategy whose connection is called livy_default; the other one's is livy_ and its name",
    )
    connection_timeout_seconds: int = Field(
        # Longer than the load balancer waits for a silent cluster: its word for it is better than none.
        default=30,
        ge=1,
        le=120,
        description="timeout in the extra of the connections: how long a task waits for an answer of Livy",
    )
    environment_class: EnvironmentClass = Field(
        default="mw1.small", description="create: size of the environment's machines"
    )
    minimum_workers: int = Field(default=1, ge=1, le=25, description="create: workers that always run; 1 for mw1.micro")
    maximum_workers: int = Field(
        default=5, ge=1, le=25, description="create: the most workers that MWAA starts; 1 for mw1.micro"
    )
    schedulers: int = Field(default=2, ge=1, le=5, description="create: schedulers; 1 for mw1.micro, else 2 to 5")
    web_server_access: Literal["private", "public"] = Field(
        default="private",
        description="create: private: the web interface is reached from within the VPC; public: from the internet, by "
        "whoever may log in",
    )
    web_server_clients: tuple[Peer, ...] = Field(
        default=(),
        strict=False,
        description="create: CIDR blocks and security group ids that may reach a private web interface",
    )
    worker_replacement: Literal["graceful", "forced"] = Field(
        default="graceful",
        description="create: graceful: a deploy that changes the environment lets running tasks end, for up to 12 "
        "hours; forced: it ends them",
    )
    task_policies: tuple[OwnPolicyArn, ...] = Field(
        default=(),
        strict=False,
        max_length=8,
        description="create: ARNs of managed policies of yours: what your tasks may do besides looking at clusters, as "
        "they have the rights of the environment's execution role",
    )
    logs: AirflowLogs = Field(default_factory=AirflowLogs, description="create: what goes to CloudWatch")
    environment_name: str | None = Field(
        default=None, pattern=r"^[a-zA-Z][0-9a-zA-Z_-]{0,79}$", description="existing: name of the environment"
    )
    execution_role_arn: str | None = Field(
        default=None,
        pattern=r"^arn:aws(-[a-z]+)*:iam::\d{12}:role/[\w+=,.@/-]+$",
        description="existing: ARN of the environment's execution role, which may read the connections; of the account "
        "that is deployed to, as Airflow asks for secrets of its own account alone",
    )
    security_group_id: str | None = Field(
        default=None,
        pattern=r"^sg-[0-9a-f]{8,17}$",
        description="existing: security group of the environment, in this VPC or one that is peered with it, which may "
        "use Livy; null: it is admitted by an entry of front_door.livy_clients",
    )

    def connection(self, strategy: str) -> str:
        """The id of the connection to a strategy's front door."""
        return connection_id(strategy, default=self.livy_default)

    @property
    def connections(self) -> tuple[str, ...]:
        """The ids of the connections to every strategy."""
        return tuple(self.connection(strategy) for strategy in STRATEGIES)

    @property
    def livy_provider(self) -> airflow_releases.LivyProvider:
        """The Livy provider of the environment.

        Raises:
            ValueError: none is known for the release; :func:`problems` tells of it before anything asks.
        """
        found = airflow_releases.livy_provider(self.airflow_version, self.livy_provider_version)
        if found is None:
            raise ValueError(f"no Livy provider is known for Airflow {self.airflow_version}")
        return found


def problems(mwaa: Mwaa) -> Iterator[Problem]:
    """What in the section does not fit together."""
    if mwaa.mode == "none":
        return
    yield from _version_problems(mwaa)
    if mwaa.mode == "create":
        yield from _size_problems(mwaa)
        yield from _foreign_keys(mwaa, ("environment_name", "execution_role_arn", "security_group_id"), mode="existing")
        return
    yield from _foreign_keys(
        mwaa, (*_OF_CREATE, "web_server_clients", "worker_replacement", "task_policies", "logs"), mode="create"
    )
    for key, what in (("environment_name", "name"), ("execution_role_arn", "ARN of the execution role")):
        if getattr(mwaa, key) is None:
            yield Problem(
                key=f"mwaa.{key}",
                got=None,
                allowed=f"the {what} of your environment, with mwaa.mode: existing",
                remedy="set it (`aws mwaa get-environment --name NAME` shows it), or set mwaa.mode: create or none",
            )


def account_problems(mwaa: Mwaa, account: str) -> Iterator[Problem]:
    """A role that could not read the connections: Airflow's backend asks for a secret by its name.

    Secrets Manager looks for a name in the caller's own account; a secret of another has to be asked for by its ARN.

    Args:
        mwaa: the section.
        account: that is deployed to.
    """
    role = mwaa.execution_role_arn
    if mwaa.mode == "existing" and role is not None and role.split(":")[4] != account:
        yield Problem(
            key="mwaa.execution_role_arn",
            got=role,
            allowed=f"a role of the account that is deployed to, by these credentials {account}: Airflow asks for "
            "connections by name, and so in its own account alone",
            remedy="deploy to the environment's account, or set mwaa.mode: none and give that environment the "
            "connection yourself (host: the output LivyUrl)",
        )


def _version_problems(mwaa: Mwaa) -> Iterator[Problem]:
    version = airflow_releases.parse(mwaa.airflow_version)
    if version is None or not airflow_releases.is_supported(version):
        yield Problem(
            key="mwaa.airflow_version",
            got=mwaa.airflow_version,
            allowed=airflow_releases.SUPPORTED,
            remedy="name one of these that MWAA offers in your region; an older environment is upgraded to 2.11 first",
        )
    elif airflow_releases.livy_provider(mwaa.airflow_version, mwaa.livy_provider_version) is None:
        yield Problem(
            key="mwaa.livy_provider_version",
            got=None,
            allowed=f"null for Airflow {airflow_releases.known_releases()}, a version for any other",
            remedy="name the version of apache-airflow-providers-apache-livy that stands in the constraints of Airflow "
            f"{mwaa.airflow_version}",
        )


def _size_problems(mwaa: Mwaa) -> Iterator[Problem]:
    if mwaa.minimum_workers > mwaa.maximum_workers:
        yield Problem(
            key="mwaa.minimum_workers",
            got=mwaa.minimum_workers,
            allowed=f"at most mwaa.maximum_workers ({mwaa.maximum_workers})",
            remedy="lower it, or raise mwaa.maximum_workers",
        )
    smallest = mwaa.environment_class == _SMALLEST
    for key in ("minimum_workers", "maximum_workers"):
        if smallest and getattr(mwaa, key) != 1:
            yield Problem(
                key=f"mwaa.{key}",
                got=getattr(mwaa, key),
                allowed=f"1 for {_SMALLEST}, whose one worker is its scheduler as well and does not scale",
                remedy="set it to 1, or choose another mwaa.environment_class",
            )
    if smallest != (mwaa.schedulers < _LEAST_SCHEDULERS):
        yield Problem(
            key="mwaa.schedulers",
            got=mwaa.schedulers,
            allowed=f"1 for {_SMALLEST}, {_LEAST_SCHEDULERS} to 5 for every other class ({mwaa.environment_class})",
            remedy="change it, or mwaa.environment_class",
        )
    if mwaa.web_server_access == "public" and mwaa.web_server_clients:
        yield Problem(
            key="mwaa.web_server_clients",
            got=list(mwaa.web_server_clients),
            allowed="nobody with mwaa.web_server_access: public, which whoever may log in reaches from anywhere",
            remedy="remove them, or set mwaa.web_server_access: private",
        )


def _foreign_keys(mwaa: Mwaa, keys: tuple[str, ...], *, mode: str) -> Iterator[Problem]:
    """Keys that say nothing in this mode: whoever sets one believes otherwise."""
    for key in keys:
        if key in mwaa.model_fields_set and getattr(mwaa, key) != Mwaa.model_fields[key].get_default(
            call_default_factory=True, validated_data={}
        ):
            yield Problem(
                key=f"mwaa.{key}",
                got=getattr(mwaa, key),
                allowed=f"only with mwaa.mode: {mode}",
                remedy=f"remove it, or set mwaa.mode: {mode}",
            )
