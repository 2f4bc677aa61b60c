"""What a drill can do to clusters that run, behind EMR's back.

Which of these EMR notices is a guess of the stand-in (docs/assumptions.md): a primary whose three services are all
dead, or whose AZ is gone, counts as dead; frozen services do not, for the machine and EMR's own agent on it live on.
"""

from __future__ import annotations

import contextlib
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from emr_drill.clock import Clock
from emr_drill.errors import DrillError
from emr_drill.ports import Primary, Service

if TYPE_CHECKING:
    from emr_drill.stand_in.emr_life import ClusterLife

# systemd's pause before it starts a service again that died (RestartSec= of EMR's unit is not known), simulated
# seconds.
RESTART_SECONDS = 5.0
BY_DRILL, BY_ZONE = "the drill", "the AZ"


class ClusterFaults(ABC):
    """Faults of running clusters.  Each method takes ``j-...`` ids; an id that does not exist is a KeyError."""

    def __init__(self, *, clock: Clock) -> None:
        self.__clock = clock
        self.__lost: set[str] = set()

    @abstractmethod
    def life(self, cluster_id: str) -> ClusterLife:
        """The life of a cluster."""

    @abstractmethod
    def lives(self) -> list[ClusterLife]:
        """The life of every cluster."""

    def primary(self, cluster_id: str) -> Primary:
        """The machines of a cluster.

        Raises:
            DrillError: it has none yet.
        """
        primary = self.life(cluster_id).primary
        if primary is None:
            raise DrillError(f"cluster {cluster_id} is {self.life(cluster_id).cluster.state} and has no primary yet")
        return primary

    def kill_primary(self, cluster_id: str) -> None:
        """SIGKILL of all the primary's services; containers on other nodes live on until EMR says TERMINATED."""
        self.life(cluster_id).kill(list(Service))

    def kill_service(self, cluster_id: str, service: Service) -> None:
        """SIGKILL of one service, which nobody starts again by himself."""
        self.life(cluster_id).kill([service])

    def freeze_service(self, cluster_id: str, service: Service) -> None:
        """SIGSTOP of one service: it takes connections and answers nothing.

        Raises:
            DrillError: the cluster has no primary yet.
        """
        self.primary(cluster_id).freeze([service])

    def thaw_service(self, cluster_id: str, service: Service) -> None:
        """SIGCONT of one service.

        Raises:
            DrillError: the cluster has no primary yet.
        """
        self.primary(cluster_id).thaw([service])

    def freeze_primary(self, cluster_id: str) -> None:
        """SIGSTOP of all the primary's services.  EMR notices nothing, its steps still run there, and containers on
        other nodes live on.

        Raises:
            DrillError: the cluster has no primary yet.
        """
        self.primary(cluster_id).freeze(list(Service))

    def thaw_primary(self, cluster_id: str) -> None:
        """SIGCONT of all the primary's services: the cluster is back as if nothing had been.

        Raises:
            DrillError: the cluster has no primary yet.
        """
        self.primary(cluster_id).thaw(list(Service))

    def restart_livy(self, cluster_id: str) -> None:
        """Livy's process is killed, and systemd starts it again :data:`RESTART_SECONDS` later.

        Raises:
            DrillError: the cluster has no primary yet.
        """
        primary = self.primary(cluster_id)
        primary.kill([Service.LIVY])

        def start_again() -> None:
            self.__clock.sleep(RESTART_SECONDS)
            with contextlib.suppress(RuntimeError):  # the machine is gone by now
                primary.revive(Service.LIVY)

        threading.Thread(target=start_again, daemon=True, name=f"systemd of {cluster_id}").start()

    def restart_resource_manager(self, cluster_id: str) -> None:
        """The ResourceManager's process is killed and started again at once, and it answers: without recovery it knows
        of no application, and of those nodes that have told it since.  Containers go on.

        Raises:
            DrillError: the cluster has no primary yet, or the ResourceManager does not come back.
        """
        primary = self.primary(cluster_id)
        primary.kill([Service.RESOURCE_MANAGER])
        try:
            primary.revive(Service.RESOURCE_MANAGER)
        except RuntimeError as error:
            raise DrillError(f"the ResourceManager of {cluster_id} did not come back: {error}") from error

    def set_safe_mode(self, cluster_id: str, on: bool) -> None:
        """Put HDFS into safe mode, or take it out.

        Raises:
            DrillError: the cluster has no primary yet, or its NameNode does not do it.
        """
        try:
            self.primary(cluster_id).set_safe_mode(on)
        except RuntimeError as error:
            raise DrillError(f"{error}; a NameNode that answers is needed for this fault") from error

    def stop_nodes(self, cluster_id: str) -> None:
        """Stop every NodeManager: the ResourceManager lists none, the containers on them die.

        Raises:
            DrillError: the cluster has no primary yet.
        """
        self.primary(cluster_id).stop_nodes()

    def slow_services(self, cluster_id: str, seconds: float) -> None:
        """Every answer of ResourceManager, NameNode and Livy takes *seconds* of machine time longer; 0 ends it.

        Raises:
            DrillError: the cluster has no primary yet, or its services are real and cannot be slowed.
        """
        self.primary(cluster_id).slow(seconds)

    def hold_termination(self, cluster_id: str) -> None:
        """Let EMR not end this cluster's machines: it stays TERMINATING, with everything on it alive, until
        :meth:`release_termination`."""
        self.life(cluster_id).hold(BY_DRILL)

    def release_termination(self, cluster_id: str) -> None:
        """Let EMR end this cluster's machines; a termination whose time is over completes at once."""
        self.life(cluster_id).release(BY_DRILL)

    def lose_zone(self, availability_zone: str, *, hold_terminations: bool = False) -> None:
        """Let nobody reach the primaries of an AZ; EMR notices after a while.  New launches there get no machines.

        Args:
            availability_zone: the AZ's name.
            hold_terminations: let EMR end no machine there before :meth:`regain_zone`.
        """
        self.__lost.add(availability_zone)
        for life in self._lives_in(availability_zone):
            if hold_terminations:
                life.hold(BY_ZONE)
            life.lose()

    def regain_zone(self, availability_zone: str) -> None:
        """Let the primaries of an AZ be reached again, those that EMR has not ended."""
        self.__lost.discard(availability_zone)
        for life in self._lives_in(availability_zone):
            life.regain()
            life.release(BY_ZONE)

    def is_lost(self, availability_zone: str) -> bool:
        """Whether nobody reaches that AZ at the moment."""
        return availability_zone in self.__lost

    def _lives_in(self, availability_zone: str) -> list[ClusterLife]:
        return [life for life in self.lives() if life.cluster.availability_zone == availability_zone]
