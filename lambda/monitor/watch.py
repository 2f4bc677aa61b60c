"""One round of the monitor: look at every managed cluster, judge all of them, then answer each."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass

from dr_core.addresses import handed_on_to
from dr_core.availability_zones import shared_zones
from dr_core.config import FunctionConfig
from dr_core.evidence import Verdict
from dr_core.record import Incarnation, ManagedCluster
from dr_core.restraints import DeploymentView, Judged, common_cause, in_order, view_of
from dr_core.verdicts import Judgement
from monitor.answering import Answering
from monitor.cloud import Cloud
from monitor.looking import Eyes, Look
from monitor.reporting import Report
from monitor.store import Overview, Store

_NOT_JUDGED = "a managed cluster was not judged in this round"
_NOT_ANSWERED = "a verdict was not answered in this round"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What came of a round.

    Attributes:
        complete: whether every managed cluster was judged and answered.
        in_doubt: whether of one of them it is not known how it is, so that the next look at it may decide.
    """

    complete: bool
    in_doubt: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What a monitor works with.

    Attributes:
        config: of the deployment.
        store: the tables.
        cloud: AWS.
        pool: where independent calls go on at once.
        report: metrics and log.
    """

    config: FunctionConfig
    store: Store
    cloud: Cloud
    pool: Executor
    report: Report

    def round(self) -> Round:
        """Judge the incarnation in service of every managed cluster and answer.

        Raises:
            Exception: the record could not be read.  Nothing is started then: whoever does not know what was paused,
                launched or failed over must not act.
        """
        reading = self.pool.submit(self.store.incarnations)
        overview = self.store.overview([each.name for each in self.config.managed_clusters])
        incarnations = reading.result()
        view = view_of(overview.controls, overview.managed_clusters.values(), incarnations.values())
        looks = self._looks(overview, incarnations)
        judgements = self._judgements(looks)
        judged = [
            Judged(
                managed_cluster=name,
                availability_zone=looks[name].incarnation.availability_zone,
                judgement=judgement,
            )
            for name, judgement in judgements.items()
        ]
        if judged:
            self.report.probers_heard(frozenset[str]().union(*(looks[name].heard for name in judgements)))
            if self.config.front_door_scheme == "https":
                self.report.certificates(frozenset[str]().union(*(looks[name].certificates for name in judgements)))
        complete = len(judged) == len(looks)
        self.report.deployment_seen(
            view,
            common_cause=complete and common_cause(judged),
            shared_zones=shared_zones(incarnations.values()),
        )
        answered = [self._answer(each, overview, view) for each in in_order(judged, overview.incidents)]
        return Round(
            complete=complete and all(answered),
            in_doubt=any(each.verdict is Verdict.UNKNOWN for each in judgements.values()),
        )

    def _looks(self, overview: Overview, incarnations: Mapping[int, Incarnation]) -> dict[str, Look]:
        """A look at each managed cluster that has an incarnation in service."""
        eyes = Eyes(config=self.config, store=self.store, cloud=self.cloud, pool=self.pool)
        looks = {}
        for resources in self.config.managed_clusters:
            serving = _serving(overview.managed_clusters.get(resources.name), incarnations)
            if serving is None:
                self.report.nothing_in_service(resources.name)
            else:
                looks[resources.name] = Look(
                    eyes,
                    incarnation=serving,
                    resources=resources,
                    address_owner=handed_on_to(serving, incarnations.values()),
                )
        return looks

    def _judgements(self, looks: Mapping[str, Look]) -> dict[str, Judgement]:
        """The verdicts; an error of one look costs that one, not the others."""
        going = dict(looks)
        for stage in (Look.ask, Look.read):
            for name, look in list(going.items()):
                try:
                    stage(look)
                except Exception:
                    self.report.logger.exception(_NOT_JUDGED, managed_cluster=name)
                    del going[name]
        judgements = {}
        for name, look in going.items():
            try:
                judgements[name] = look.judge()
            except Exception:
                self.report.logger.exception(_NOT_JUDGED, managed_cluster=name)
            else:
                self.report.judged(name, look.incarnation.id, judgements[name])
        return judgements

    def _answer(self, judged: Judged, overview: Overview, view: DeploymentView) -> bool:
        answering = Answering(config=self.config, store=self.store, cloud=self.cloud, report=self.report)
        name = judged.managed_cluster
        try:
            answering.answer(judged.judgement, overview.managed_clusters[name], overview.incidents.get(name), view)
        except Exception:
            self.report.logger.exception(_NOT_ANSWERED, managed_cluster=name)
            return False
        return True


def _serving(managed_cluster: ManagedCluster | None, incarnations: Mapping[int, Incarnation]) -> Incarnation | None:
    """The incarnation in service, if there is one with an address."""
    if managed_cluster is None or managed_cluster.serving_generation is None:
        return None
    incarnation = incarnations.get(managed_cluster.serving_generation)
    return None if incarnation is None or incarnation.primary_address is None else incarnation
