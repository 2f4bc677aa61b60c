"""What the parts of the drill know of each other: protocols, no code.

The EMR part of the stand-in gives clusters a life cycle and asks a :class:`PrimaryFactory` for the machines behind
them; simulated and real services are two factories.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from emr_drill.clock import Clock


class Service(StrEnum):
    """A service on a primary node."""

    LIVY = "livy"
    RESOURCE_MANAGER = "resource_manager"
    NAME_NODE = "name_node"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrimaryPlan:
    """What a primary is made from.

    Attributes:
        cluster_id: ``j-...``.
        name: the cluster's name, ``<deployment>-<managed cluster>-g<generation>``.
        address: loopback address that all services listen on.
        directory: the machine's root; absolute paths of scripts and settings lie below it.
        ledger: file outside all clusters that every job appends to; see ``emr_drill.jobs.ledger``.
        clock: the drill's clock; jobs run on it.
        classifications: EMR configuration classifications, name to properties, as in RunJobFlow.
        seed: the drill's seed.
        certificates: the archive with which the cluster encrypts in transit; ``None`` if it does not.
    """

    cluster_id: str
    name: str
    address: str
    directory: Path
    ledger: Path
    clock: Clock
    classifications: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    seed: int = 1
    certificates: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """How a step's script ended."""

    exit_code: int
    output: str


class Primary(Protocol):
    """One cluster's machines: the primary's services and the nodes that run containers."""

    @property
    def address(self) -> str: ...

    def start(self) -> None:
        """Start the services and return when they answer.  Raises RuntimeError with the log's end if one does not."""

    def run_script(self, script: bytes, arguments: Sequence[str]) -> StepResult:
        """Run a step's shell script on the primary and wait for it."""
        ...

    def kill(self, services: Sequence[Service]) -> None:
        """SIGKILL the named services; containers on other nodes live on."""

    def freeze(self, services: Sequence[Service]) -> None:
        """SIGSTOP the named services: they take connections and answer nothing."""

    def thaw(self, services: Sequence[Service]) -> None:
        """SIGCONT the named services."""

    def revive(self, service: Service) -> None:
        """Start a service that is dead and return when it answers; nothing if its process lives.

        Raises:
            RuntimeError: it does not answer, or the machine is gone.
        """

    def set_safe_mode(self, on: bool) -> None:
        """Put HDFS into safe mode, or take it out.

        Raises:
            RuntimeError: the NameNode does not do it.
        """

    def stop_nodes(self) -> None:
        """Stop every NodeManager: the ResourceManager lists none, the containers on them die."""

    def slow(self, seconds: float) -> None:
        """Let every answer of Livy, ResourceManager and NameNode take *seconds* of machine time longer.

        Raises:
            DrillError: these services cannot be slowed.
        """

    def running(self) -> Mapping[Service, bool]:
        """Which services have a live process, frozen or not."""
        ...

    def terminate(self) -> None:
        """Stop everything, containers too.  May be called more than once."""


class PrimaryFactory(Protocol):
    """Makes primaries."""

    def check(self) -> None:
        """Raise DrillError with the remedy if this machine lacks something."""

    def create(self, plan: PrimaryPlan) -> Primary:
        """A primary that is not started yet."""
        ...
