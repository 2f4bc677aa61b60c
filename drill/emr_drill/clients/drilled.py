"""Stock clients in a drill of the product: where they get their servers from, and how they are judged there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from emr_drill.clients.access import AccessLog
from emr_drill.clients.flow import StockClients
from emr_drill.clients.judgement import StockJudgement, judge
from emr_drill.clients.listing import Listing
from emr_drill.clients.polls import Pollers
from emr_drill.clock import Clock
from emr_drill.faults.judging import ENDED
from emr_drill.jobs.ledger import read
from emr_drill.jobs.plan import Plan
from emr_drill.observe import Deployment
from emr_drill.owners import Issued
from emr_drill.report import Report

if TYPE_CHECKING:
    from emr_drill.run import Options
    from emr_drill.stand_in.server import StandIn

LEDGER = "ledger.jsonl"
COMPLAINTS = 20


class StockDrill:
    """Stock clients behind a deployed front door.

    Args:
        options: of the drill; its ``clients`` says who runs what.
        stand_in: AWS.
        deployment: what is deployed.
        clock: simulated time.
        workdir: the drill's directory.
        file: URI of the job file.
    """

    def __init__(
        self, options: Options, stand_in: StandIn, deployment: Deployment, clock: Clock, *, workdir: Path, file: str
    ) -> None:
        plan = options.clients
        assert plan is not None, "stock clients need a plan"
        self._stand_in = stand_in
        self._deployment = deployment
        self._ledger = workdir / LEDGER
        self._access = AccessLog()
        stand_in.load_balancers.on_request = self._access.note
        self.waves: Plan = plan.waves(seed=options.seed, speed=options.speed)
        self.listing = Listing(clock=clock, servers=lambda: servers(stand_in))
        self.pollers = Pollers(
            count=plan.pollers, addresses=deployment.front_door_addresses, issued=self._issued, seed=options.seed
        )
        self.clients = StockClients(
            clock=clock,
            addresses=deployment.front_door_addresses,
            file=file,
            workdir=workdir / "clients",
            kinds=plan.kinds,
            choose=plan.chooser(seed=options.seed),
            listing=self.listing,
            beside=[self.pollers],
        )

    def judge(self, report: Report) -> StockJudgement:
        """What became of the jobs; fills in what *report* has of clients."""
        owners: dict[int, str | None] = {}

        def owner(batch_id: int) -> str | None:
            if batch_id not in owners:
                owners[batch_id] = self._deployment.owner(batch_id)
            return owners[batch_id]

        found = judge(self.clients.stock_jobs, self.listing.batches, read(self._ledger), owner)
        seen = self._access.seen(owner=owner, cluster_at=self._cluster_at)
        report.clients = {
            **told(found),
            "polls": {str(status): count for status, count in sorted(seen.polls.items())},
            "misrouted": seen.misrouted,
        }
        if polled := self.pollers.polled.count:
            statuses = self.pollers.polled.statuses
            report.clients["pollers"] = {
                "asked": polled,
                "wrong": len(self.pollers.polled.wrong),
                "statuses": {str(status): count for status, count in sorted(statuses.items())},
            }
            found.complaints.extend(self.pollers.polled.wrong[:COMPLAINTS])
        return found

    def _issued(self) -> list[Issued]:
        return [
            Issued(id=batch.id, name=batch.name)
            for job in self.clients.stock_jobs
            for batch in list(job.tries)
            if batch.id is not None
        ]

    def _cluster_at(self, address: str) -> str | None:
        found = self._stand_in.clusters.by_address(address)
        return found.name if found else None


def servers(stand_in: StandIn) -> Sequence[tuple[str, str]]:
    """Name and address of every cluster that may still have a Livy."""
    return [(one.name, one.address) for one in stand_in.clusters.states() if one.address and one.state not in ENDED]


def told(found: StockJudgement) -> dict[str, object]:
    """What reports have of a judgement."""
    return {
        "by_kind": {name: counts.to_dict() for name, counts in sorted(found.by_kind.items())},
        "causes": {name: dict(causes) for name, causes in sorted(found.causes.items()) if causes},
    }
