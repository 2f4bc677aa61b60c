"""Which cluster took a job, where every cluster counts from 0 and an id does not tell.

Livy writes every batch, with the name that its client gave it, into its recovery store before it answers the submit;
the store lies on the primary's disk, which outlives the primary here.  Names of batches are unique in a drill.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from emr_drill.baseline.site import STATE_DIRECTORY
from emr_drill.jobs.submitter import Try
from emr_drill.primary.simulated.recovery_store import RecoveryStore


class Homes:
    """What the recovery stores of all clusters say.

    Args:
        clusters: the name of each cluster by its id, in order of their launch.
        directory: the folder in which each cluster has its machine's root, by its id.
    """

    def __init__(self, *, clusters: Mapping[str, str], directory: Path) -> None:
        self._names: dict[tuple[str | None, int], str] = {}
        for cluster_id, name in clusters.items():
            store = directory / cluster_id / STATE_DIRECTORY.lstrip("/")
            if store.is_dir():
                # Later clusters win: a submit that got no answer and was repeated may have been heard twice, and the
                # client's id is the later answer's.
                self._names |= {(one.name, one.id): name for one in RecoveryStore(store).batches()}

    def owner(self, batch: Try) -> str | None:
        """Name of the cluster that took *batch*; ``None`` if none did."""
        return None if batch.id is None else self._names.get((batch.name, batch.id))

    def issued(self, cluster: str) -> list[int]:
        """Every id that the cluster called *cluster* gave."""
        return sorted(number for (_, number), name in self._names.items() if name == cluster)
