"""The one configuration that every function of a deployment gets, in the environment variable ``EMR_DR_CONFIG``.

The stacks write it with :meth:`FunctionConfig.to_dict` and the functions read it with :meth:`FunctionConfig.from_json`,
so that a name cannot differ between the two.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

ENVIRONMENT_VARIABLE = "EMR_DR_CONFIG"

ABBREVIATIONS = "abbreviations"
"""Key of the texts that many values begin with, by the mark that stands for them: ``{"~g": "arn:aws:..."}``.

A function's variables together may have 4 KB (Lambda quotas); ARNs written out would take more.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetChoice:
    """A place where a cluster may be launched."""

    availability_zone: str
    subnet_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotResources:
    """A routing place: a target group, the rule for ids and the rule for the look-up header."""

    number: int
    target_group: str
    id_rule: str
    header_rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedClusterResources:
    """What belongs to one managed cluster alone.

    Attributes:
        name: its name.
        resource_manager_target_group: of its ResourceManager in service.
        name_node_target_group: likewise.
        standby: whether it keeps a warm standby: a second incarnation that is proved all the time and not in service.
    """

    name: str
    resource_manager_target_group: str
    name_node_target_group: str
    standby: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProberFunction:
    """The prober of one AZ."""

    availability_zone: str
    function_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePorts:
    """Ports of the services on a primary, and the scheme they speak (``http`` or ``https``)."""

    scheme: str = "http"
    livy: int = 8998
    resource_manager: int = 8088
    name_node: int = 9870


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """The Spark job that proves a cluster before it gets traffic, as a Livy batch.

    Attributes:
        file: URI that the cluster can read.
        class_name: main class, empty for a Python file.
        arguments: the job's arguments.
        limit_seconds: how long it may take before Verify fails.
    """

    file: str
    class_name: str = ""
    arguments: tuple[str, ...] = ()
    limit_seconds: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripts:
    """What EMR steps run on a primary, as ``s3://`` addresses of shell scripts.

    Attributes:
        seed: makes Livy number from an id on; arguments: first id, *state_directory*.
        restart: restarts Livy; no arguments.
        state_directory: of Livy's recovery store.
    """

    seed: str = ""
    restart: str = ""
    state_directory: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The numbers that rules are made of.

    Attributes:
        round_seconds: time between two rounds of probers and monitor.
        rounds: how many of the last rounds a verdict looks at (N).
        bad_rounds: how many of them must agree (K).
        vantage_points: how many vantage points must agree, one of them a prober.
        read_limit_seconds: time limit of one reading of a service.
        launch_limit_seconds: deadline of one launch in one AZ.
        total_launch_limit_seconds: deadline over all AZs.
        fence_limit_seconds: how long a rule waits for proof that the old applications are dead before it answers 410.
        repair_limit_seconds: how long mending in place may take before the incarnation is replaced.
        drain_limit_seconds: how long a planned retirement waits for the end of jobs.
        linger_seconds: how long Livy stays up after the last job's end, so that every client reads its result: the
            longest time between two polls.
        failovers_before_block: after so many automatic failovers within *block_window_seconds* the next one waits for
            a person.
        block_window_seconds: see there.
        launches_per_day: how many clusters automatic operations of the deployment may launch in 24 hours.
        orphan_seconds: for how long a stack or cluster of our name that no record knows is only told of; then it is
            removed.
        bake_seconds: for how long what one managed cluster was changed to has to serve well before the next one is
            changed.
        bake_alarms: names of CloudWatch's alarms that stop a change before the next managed cluster while they are on.
        share_availability_zone: whether a managed cluster may be launched in the AZ of another one when no other AZ is
            left.
    """

    round_seconds: int = 10
    rounds: int = 4
    bad_rounds: int = 3
    vantage_points: int = 2
    read_limit_seconds: int = 3
    launch_limit_seconds: int = 1200
    total_launch_limit_seconds: int = 2700
    fence_limit_seconds: int = 300
    repair_limit_seconds: int = 240
    drain_limit_seconds: int = 14_400
    linger_seconds: int = 900
    failovers_before_block: int = 2
    block_window_seconds: int = 7200
    launches_per_day: int = 8
    orphan_seconds: int = 900
    bake_seconds: int = 300
    bake_alarms: tuple[str, ...] = ()
    share_availability_zone: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.bad_rounds <= self.rounds:
            raise ValueError(f"bad_rounds must be 1 to {self.rounds} (rounds), got {self.bad_rounds}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionConfig:
    """Everything that a function knows of its deployment.

    Attributes:
        deployment: name of the deployment, first part of every stack name that the controller makes.
        record_table: table of managed clusters, incarnations, slots, operations and incidents.
        evidence_table: table of what probers saw.
        managed_clusters: the managed clusters of the deployment.
        subnets: where clusters may be launched, in order of preference.
        slots: the pool of routing places.
        balanced_target_group: target group of every incarnation in service.
        front_door_host: DNS name of the network load balancer.
        load_balancer_host: DNS name of the application load balancer behind it.
        front_door_scheme: ``http`` or ``https``.
        front_door_port: port that Livy's clients use.
        front_door_name: host name that the front door's certificate is for; empty with ``http``.
        cluster_domain: domain of the clusters' machines, which their certificate is for; empty where their services
            speak ``http``.
        probers: the probers, one in each AZ.
        operation_state_machine: ARN.
        retirement_state_machine: ARN.
        incarnation_role: ARN of the role that CloudFormation creates incarnation stacks with.
        alert_topic: ARN.
        ports: ports of the services on a primary.
        canary: the job that proves a cluster.
        scripts: what steps run on a primary.
        policy: the numbers of the rules.
    """

    deployment: str
    record_table: str
    evidence_table: str
    managed_clusters: tuple[ManagedClusterResources, ...]
    subnets: tuple[SubnetChoice, ...]
    slots: tuple[SlotResources, ...]
    balanced_target_group: str
    front_door_host: str
    load_balancer_host: str
    front_door_scheme: str = "http"
    front_door_port: int = 8998
    front_door_name: str = ""
    cluster_domain: str = ""
    probers: tuple[ProberFunction, ...] = ()
    operation_state_machine: str = ""
    retirement_state_machine: str = ""
    incarnation_role: str = ""
    alert_topic: str = ""
    ports: ServicePorts = ServicePorts()
    canary: Canary
    scripts: Scripts = Scripts()
    policy: Policy = Policy()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; what the stacks put into the environment.

        That nobody wants a standby, names an alarm, or speaks TLS, is not written: a function's variables have little
        room.
        """
        values = asdict(self)
        for name in ("front_door_name", "cluster_domain"):
            if not values[name]:
                del values[name]
        if not values["policy"]["bake_alarms"]:
            del values["policy"]["bake_alarms"]
        for each in values["managed_clusters"]:
            if not each["standby"]:
                del each["standby"]
        return values

    def wants_standby(self, managed_cluster: str) -> bool:
        """Whether the managed cluster of that name keeps a warm standby."""
        return any(each.standby for each in self.managed_clusters if each.name == managed_cluster)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The configuration in *text*.

        Raises:
            ValueError: *text* is not what :meth:`to_dict` makes; names what is wrong.
        """
        try:
            data = json.loads(text)
            data = _expanded(data, data.pop(ABBREVIATIONS, {}))
            return cls(
                **{
                    **data,
                    "managed_clusters": tuple(
                        ManagedClusterResources(**_named(item, ManagedClusterResources))
                        for item in data["managed_clusters"]
                    ),
                    "subnets": tuple(SubnetChoice(**_named(item, SubnetChoice)) for item in data["subnets"]),
                    "slots": tuple(SlotResources(**_named(item, SlotResources)) for item in data["slots"]),
                    "probers": tuple(ProberFunction(**_named(item, ProberFunction)) for item in data["probers"]),
                    "ports": ServicePorts(**data["ports"]),
                    "canary": Canary(**{**data["canary"], "arguments": tuple(data["canary"]["arguments"])}),
                    "scripts": Scripts(**data["scripts"]),
                    "policy": Policy(**{**data["policy"], "bake_alarms": tuple(data["policy"].get("bake_alarms", ()))}),
                }
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{ENVIRONMENT_VARIABLE} is not a function configuration: {error!r}") from error


def _named(item: Any, kind: Any) -> Any:
    """The fields of *item* with their names, which a long list of the same leaves out: ``[1, "group", ...]``."""
    if isinstance(item, list):
        # Those at the end that are left out have defaults.
        return {field.name: value for field, value in zip(fields(kind)[: len(item)], item, strict=True)}
    return item


def _expanded(value: Any, abbreviations: Mapping[str, str]) -> Any:
    """*value* with every text written out that begins with a mark of *abbreviations*."""
    match value:
        case dict():
            return {key: _expanded(item, abbreviations) for key, item in value.items()}
        case list():
            return [_expanded(item, abbreviations) for item in value]
        case str():
            for mark, meaning in abbreviations.items():
                if value.startswith(mark):
                    return meaning + value.removeprefix(mark)
    return value
