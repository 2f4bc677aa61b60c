"""What a drill can break."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from emr_drill.ports import Service

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn


class Fault(StrEnum):
    """Something that goes wrong with the primary in service."""

    KILL_PRIMARY = "kill-primary"
    KILL_LIVY = "kill-livy"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultText:
    """What a fault is, in a sentence for the person who watches."""

    what: str


TEXTS: dict[Fault, FaultText] = {
    Fault.KILL_PRIMARY: FaultText(
        what="SIGKILL of ResourceManager, NameNode and Livy; containers on other nodes live on and write until EMR "
        "terminates the cluster"
    ),
    Fault.KILL_LIVY: FaultText(what="SIGKILL of Livy; YARN and the jobs it runs live on"),
    Fault.NONE: FaultText(what="nothing is broken"),
}


def strike(fault: Fault, *, stand_in: StandIn, cluster_id: str) -> None:
    """Do it, now."""
    match fault:
        case Fault.KILL_PRIMARY:
            stand_in.clusters.kill_primary(cluster_id)
        case Fault.KILL_LIVY:
            stand_in.clusters.kill_service(cluster_id, Service.LIVY)
        case Fault.NONE:
            pass
