"""What managed scaling might start of the half that was not struck, before a fault, in between and at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dr_core.specs import Spec

if TYPE_CHECKING:
    from emr_drill.faults.scene import Scene
    from emr_drill.observe import Deployment
    from emr_drill.stand_in.emr import EmrClusters


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivor:
    """The other half of a deployment, when a fault struck.

    Attributes:
        cluster_id: ``j-...``.
        before: the most instances that managed scaling might start of it.
        alone: the most while it serves alone, by the settings.
    """

    cluster_id: str
    before: int
    alone: int

    def seen(self, journal: Iterable[Mapping[str, Any]], *, since: float) -> SurvivorSeen:
        """What became of its limits, by what the stand-in wrote down from *since* on."""
        changes = [
            (float(entry["at"]), int(entry["maximum"]))
            for entry in journal
            if entry.get("kind") == "scaling" and entry["cluster"] == self.cluster_id and entry["at"] >= since
        ]
        raised = next((at for at, maximum in changes if maximum > self.before), None)
        values = [self.before, *(maximum for _, maximum in changes)]
        return SurvivorSeen(
            before=self.before,
            alone=self.alone,
            during=max(values),
            after=values[-1],
            raised_seconds=None if raised is None else round(raised - since, 1),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivorSeen:
    """The most instances of the other half over a drill.

    Attributes:
        before: when the fault struck.
        alone: what the settings allow while it serves alone.
        during: the most that it was ever allowed after the fault.
        after: what it was allowed at the end.
        raised_seconds: from the fault until it was allowed more; ``None`` if it never was.
    """

    before: int
    alone: int
    during: int
    after: int
    raised_seconds: float | None


def survivor(deployment: Deployment, clusters: EmrClusters, scene: Scene) -> Survivor | None:
    """The half that was not struck; ``None`` if there is none, or if it gets no more room while it serves alone."""
    specs = {str(item["id"]): str(item["spec"]) for item in deployment.records("managed-cluster") if "spec" in item}
    for item in deployment.incarnations():
        name, cluster_id = str(item["managed_cluster"]), str(item.get("cluster_id", ""))
        if item["state"] != "serving" or name == scene.managed_cluster or name not in specs:
            continue
        scaling, before = Spec.from_json(specs[name]).scaling, clusters.most_instances(cluster_id)
        if scaling is not None and scaling.maximum_instances_alone is not None and before is not None:
            return Survivor(cluster_id=cluster_id, before=before, alone=scaling.maximum_instances_alone)
    return None
