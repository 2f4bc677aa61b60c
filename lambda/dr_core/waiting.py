"""What is unhealthy and waits, as an operation that was not begun for that holds the lease: no failover may begin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dr_core.comparison import Recorded
from dr_core.left_behind import is_answered
from dr_core.record import Incarnation, IncarnationState, Incident, IncidentState, Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A managed cluster that is unhealthy while a planned operation works on it.

    Attributes:
        serving: its incarnation in service.
        incident: that the monitor opened.
        lease: of the planned operation.
        standby: what stands by, if anything does; a failover would take it.
    """

    serving: Incarnation
    incident: Incident
    lease: Lease
    standby: Incarnation | None

    @property
    def key(self) -> str:
        """The same text as long as the same operation works on the same incarnation."""
        return f"unhealthy while an operation works on it: {self.lease.operation}: {self.serving.generation}"


def waiting(recorded: Recorded) -> Iterator[Waiting]:
    """Every managed cluster that is unhealthy and waits for the end of a planned operation."""
    unanswered = {each.managed_cluster: each for each in recorded.incidents if each.state is IncidentState.OPEN}
    for managed_cluster in recorded.managed_clusters:
        incident, lease = unanswered.get(managed_cluster.name), managed_cluster.lease
        serving = recorded.in_service(managed_cluster)
        if incident is None or lease is None or serving is None or managed_cluster.tombstone:
            continue
        if lease.yields or is_answered(managed_cluster, recorded):
            continue
        standby = next(
            (
                each
                for each in recorded.incarnations
                if each.managed_cluster == managed_cluster.name and each.state is IncarnationState.STANDBY
            ),
            None,
        )
        yield Waiting(serving=serving, incident=incident, lease=lease, standby=standby)
