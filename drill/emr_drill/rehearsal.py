"""The story of a drill: jobs, a fault and what becomes of it, up to the moment when nothing moves any more."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dr_core.metrics import FENCE_OVERDUE
from emr_drill.clock import Clock
from emr_drill.errors import DrillError
from emr_drill.facts import PROPAGATION_SECONDS
from emr_drill.faults.judging import ENDED
from emr_drill.faults.model import AWAITED, Act, Fault, Moment, Outcome
from emr_drill.faults.scene import BY_HAND, Scene
from emr_drill.jobs import plan as plans
from emr_drill.jobs.source import JobSource
from emr_drill.jobs.stream import Stream
from emr_drill.observe import Deployment, request_of, told
from emr_drill.owners import Issued, OwnerWatch
from emr_drill.progress import Progress
from emr_drill.report import Report
from emr_drill.scenery import find_scene
from emr_drill.survivors import Survivor, survivor

if TYPE_CHECKING:
    from emr_drill.deploys import Deploys
    from emr_drill.stand_in.server import StandIn

RUNNING_AT_FAULT, POLLS_AT_FAULT = 5, 3
# Limits on the drill's clock: past them the drill fails with a sentence instead of waiting for ever.
READY_LIMIT_SECONDS, END_LIMIT_SECONDS = 600.0, 6000.0
LOOK_SECONDS = 0.2  # machine time
ASKS = 5
# Real services run on machine time: a Spark job takes some 15 seconds of a core only to start and end.  So there are
# twenty jobs but fewer at once, they last longer on the drill's clock, and it takes longer until five of them run.
REAL_WAVES = {"long": 6, "short": 1, "during": 3, "after": 10}
REAL_DURATION_SCALE = 2.0
REAL_READY_LIMIT_SECONDS = 4000.0
# A launch and its proof, after the schedule's minute.
STANDBY_LIMIT_SECONDS = 1500.0


@dataclass(slots=True, kw_only=True)
class Timeline:
    """When what happened, and what there was before.

    Attributes:
        scene: where the fault struck; ``None`` if the drill never came to it.
        fault_at: when, in seconds since 1970 on the drill's clock.
        moments: when each was first seen.
        clusters_before: ids of the clusters that there were.
        operations_before: ids of the operations.
        journal_before: how many entries the journal had.
        acts_left: acts that were not done.
        survivor: the half that was not struck, if it gets more room while it serves alone.
    """

    scene: Scene | None = None
    fault_at: float = 0.0
    moments: dict[Moment, float] = field(default_factory=dict)
    clusters_before: frozenset[str] = frozenset()
    operations_before: frozenset[str] = frozenset()
    journal_before: int = 0
    acts_left: list[Act] = field(default_factory=list)
    survivor: Survivor | None = None


class Rehearsal:
    """One story.

    Args:
        services: ``simulated`` or ``real``.
        seed: decides the jobs and the moment of the fault.
        fault: the row to carry out.
        report: gets what went wrong with the drill itself, and what the fault met.
        stand_in: AWS, with the stacks deployed.
        clock: simulated time.
        progress: gets lines.
        deployment: the strategy stack.
        submitter: takes jobs.
        stream: hands over more jobs from the fault on; ``None`` for the waves alone.
        zone: AZ in which a managed cluster is struck; ``None`` for any.
        deploys: deploys what the row changes; ``None`` if it changes no settings.
        standby: whether a standby has to be there before the fault, and again at the end.
        plan: the waves of jobs; ``None`` for the usual ones.
    """

    def __init__(
        self,
        *,
        services: str,
        seed: int,
        fault: Fault,
        report: Report,
        stand_in: StandIn,
        clock: Clock,
        progress: Progress,
        deployment: Deployment,
        submitter: JobSource,
        stream: Stream | None = None,
        zone: str | None = None,
        deploys: Deploys | None = None,
        standby: bool = False,
        plan: plans.Plan | None = None,
    ) -> None:
        self._services = services
        self._given_plan = plan
        self._seed = seed
        self._fault = fault
        self._report = report
        self._stand_in = stand_in
        self._clock = clock
        self._progress = progress
        self._deployment = deployment
        self._submitter = submitter
        self._stream = stream
        self._zone = zone
        self._deploys = deploys
        self._standby = standby
        self._last_act_at = 0.0
        self._scene: Scene | None = None  # where the last act was done
        self._dead: set[str] = set()
        self.timeline = Timeline(acts_left=list(fault.acts))

    def run(self) -> Timeline:
        """From the first job to the last word on the last one."""
        plan = self._plan()
        if self._standby:
            self._progress.line("drill", "waiting for the standby")
            self._until(self._stands_by, STANDBY_LIMIT_SECONDS, "a standby")
        if self._report.problem or not self._jobs_run(plan) or not self._find_scene():
            self.timeline.fault_at = self._clock.now()
            return self.timeline
        self._report.at_fault = {"jobs_running": self._submitter.running, "polls_open": self._submitter.open_polls}
        self.timeline.fault_at = self._clock.now()
        self.timeline.moments[Moment.FAULT] = self.timeline.fault_at
        self._act()
        self._submitter.add(plan.during)
        if self._stream is not None:
            self._stream.start()
        if self._until(self._came, self._fault.expect.limit_seconds, AWAITED[self._fault.expect.outcome]):
            self._progress.line("drill", f"{self._outcome_text()}; submitting a few more jobs")
            # An old Livy that still answers takes jobs until the load balancer's nodes have learnt of the cut-over:
            # whether it was one is for those that come after.
            self._clock.sleep(PROPAGATION_SECONDS)
        if self._stream is not None and self._fault.load is not None:
            self._stream.finish()
        self._submitter.add(plan.after)
        self._until(
            lambda: self._submitter.idle() and (self._stream is None or self._stream.over),
            END_LIMIT_SECONDS,
            "a last word on every job",
        )
        if self._until(self._settled, END_LIMIT_SECONDS, "the end of everything that is not in service"):
            self._progress.line("drill", "nothing moves any more; asking for every id once more")
        return self.timeline

    def owner_watch(self) -> OwnerWatch:
        """Watches who answers for the ids that this story issues."""

        def issued() -> list[Issued]:
            found = [
                Issued(id=batch.id, name=batch.name)
                for progress in list(self._submitter.jobs)
                for batch in progress.tries
                if batch.id is not None
            ]
            for item in self._deployment.incarnations():
                if item.get("canary_id") and item["state"] in ("standby", "serving", "retiring", "retired"):
                    found.append(Issued(id=item["canary_id"], name=item["canary_name"]))
            return found

        def may_be_gone(batch_id: int) -> bool:
            owner = self._deployment.owner(batch_id)
            return owner is not None and (self._is_dead(owner) or self._fence_limit_passed())

        return OwnerWatch(
            clock=self._clock,
            nodes=self._deployment.load_balancer_nodes(),
            issued=issued,
            may_be_gone=may_be_gone,
            settled_at=lambda: self._stand_in.load_balancers.settled_at(kind="application"),
        )

    def _is_dead(self, owner: str) -> bool:
        """Whether a cluster is known to run no application any more.

        Known once is known for ever.  A ResourceManager that does not answer proves nothing; but it stops a moment
        before EMR calls its cluster ended, so that it is worth to ask again.
        """
        for _ in range(ASKS):
            if owner not in self._dead and self._stand_in.clusters.applications_running(owner):
                time.sleep(LOOK_SECONDS)
                continue
            self._dead.add(owner)
            return True
        return False

    def _plan(self) -> plans.Plan:
        if self._fault.load is not None:
            return plans.loaded(self._fault.load, seed=self._seed)
        if self._given_plan is not None:
            return self._given_plan
        if self._services == "real":
            return plans.make(seed=self._seed, scale=REAL_DURATION_SCALE, **REAL_WAVES)
        return plans.make(seed=self._seed)

    def _stands_by(self) -> bool:
        return any(item["state"] == "standby" for item in self._incarnations())

    def _jobs_run(self, plan: plans.Plan) -> bool:
        """Submit the first wave and wait until enough of it runs."""
        chance = random.Random(f"fault {self._seed}")
        running = RUNNING_AT_FAULT if self._fault.load is None else self._fault.load.running
        self._submitter.add(plan.before)
        self._progress.line("drill", f"submitting {len(plan.before)} jobs; some fail on purpose")
        if not self._until(
            lambda: (
                self._submitter.waiting == 0
                and self._submitter.running >= running
                and self._submitter.open_polls >= POLLS_AT_FAULT
                and any(one.finished for one in self._submitter.jobs)
            ),
            REAL_READY_LIMIT_SECONDS if self._services == "real" else READY_LIMIT_SECONDS,
            f"{running} jobs running and {POLLS_AT_FAULT} polls open",
        ):
            return False
        self._clock.sleep(chance.uniform(0, 20))  # so that the fault finds probers, monitor and polls in any phase
        return True

    def _find_scene(self) -> bool:
        try:
            self.timeline.scene = self._scene = self._scenery(self._fault.managed_cluster, self._zone)
        except DrillError as error:
            self._report.problem = str(error)
            return False
        self.timeline.survivor = survivor(self._deployment, self._stand_in.clusters, self.timeline.scene)
        self.timeline.clusters_before = frozenset(one[0] for one in self._stand_in.clusters.states())
        self.timeline.operations_before = frozenset(str(one["id"]) for one in self._deployment.records("operation"))
        self.timeline.journal_before = len(self._stand_in.journal)
        return True

    def _scenery(self, managed_cluster: str, zone: str | None = None) -> Scene:
        return find_scene(
            stand_in=self._stand_in,
            deployment=self._deployment,
            seed=self._seed,
            managed_cluster=managed_cluster,
            zone=zone,
            deploys=self._deploys,
        )

    def _act(self) -> None:
        """Do the acts whose time has come."""
        assert self._scene is not None, "acts are done after the fault's scene was found"
        moments = self.timeline.moments
        # It disturbs the rest that those after it wait for.
        disturbs = next((one for one in self.timeline.acts_left if one.after is Moment.REST), None)
        for act in list(self.timeline.acts_left):
            since = None if act.after is Moment.REST and act is not disturbs else moments.get(act.after)
            if since is None or self._clock.now() < since + act.seconds:
                continue
            self.timeline.acts_left.remove(act)
            if act.after is Moment.REST:
                # It strikes what serves now, and what comes after it waits until that has come to its end, too.
                self._scene = self._scenery(self._scene.managed_cluster)
                del moments[Moment.REST]
            self._progress.line("fault", f"{self._fault.name}: {act.what}")
            act.do(self._scene)
            self._last_act_at = self._clock.now()

    def _came(self) -> bool:
        """Whether what must happen has happened, or what must not."""
        self._look()
        self._act()
        ended = self._ended()
        expected = self._fault.expect
        if any(expected.operations.get(outcome, (0, 0))[1] == 0 for outcome, _ in ended):
            return True
        if self.timeline.acts_left:
            return False
        match expected.outcome:
            case Outcome.FAILOVER:
                return Moment.CUT_OVER in self.timeline.moments and any(one == "failed over" for one, _ in ended)
            case Outcome.REPAIR:
                return any(outcome == "repaired" for outcome, _ in ended)
            case Outcome.CANCEL:
                return any(outcome == "cancelled" for outcome, _ in ended)
            case Outcome.NOTHING:
                return self._clock.now() >= self._last_act_at + expected.watch_seconds
            case Outcome.PAGE:
                return Moment.CUT_OVER in self.timeline.moments
            case Outcome.PLANNED | Outcome.TAKEN_BACK | Outcome.IN_PLACE:
                counts = Counter(outcome for outcome, _ in ended)
                began = all(counts[one] >= least for one, (least, _) in expected.operations.items())
                return began and not self._deploying
            case Outcome.IN_A_ROW:
                return self._rests()

    def _look(self) -> None:
        """Note what happens for the first time."""
        scene, moments = self.timeline.scene, self.timeline.moments
        assert scene is not None
        seen = set()
        if any(one[0] not in self.timeline.clusters_before for one in self._stand_in.clusters.states()):
            seen.add(Moment.LAUNCH)
        if self._is_replaced(scene):
            seen.add(Moment.CUT_OVER)
        if any(act.after is Moment.REST for act in self.timeline.acts_left) and self._rests():
            seen.add(Moment.REST)
        subjects, metrics = told(self._stand_in.journal, since=self.timeline.journal_before)
        pages = self._fault.expect.pages
        if pages and all(page.came(subjects=subjects, metrics=metrics) for page in pages):
            seen.add(Moment.PAGE)
        for moment in seen - moments.keys():
            moments[moment] = self._clock.now()

    def _is_replaced(self, scene: Scene) -> bool:
        """Whether another incarnation serves as the managed cluster that was struck."""
        name, generation = scene.managed_cluster, scene.generation
        return any(
            one["state"] == "serving" and one["managed_cluster"] == name and one["generation"] != generation
            for one in self._incarnations()
        )

    def _rests(self) -> bool:
        """Whether the last act has led to a cut-over, and all that it began has come to its end."""
        replaced = self._scene is not None and self._is_replaced(self._scene)
        return replaced and not self._deploying and self._settled()

    @property
    def _deploying(self) -> bool:
        return self._deploys is not None and self._deploys.under_way

    def _ended(self) -> list[tuple[str, str]]:
        """Outcome and message of each operation since the fault that has ended, except those by hand."""
        return [
            (str(item["outcome"]), str(item.get("message", "")))
            for item in self._operations()
            if item.get("outcome") and not str(item["id"]).startswith(BY_HAND)
        ]

    def _settled(self) -> bool:
        """Whether no operation runs, and everything that is not in service has come to its end."""
        if any(not item.get("outcome") for item in self._operations()):
            return False
        items = self._incarnations()
        if any(item["state"] not in ("serving", "standby", "retired") for item in items):
            return False
        if self._fault.expect.survivor_grows and not self._survivor_is_back():
            return False
        if self._standby and not self._stands_by():
            return False
        serving = {item["cluster_id"] for item in items if item["state"] in ("serving", "standby")}
        return all(one[0] in serving or one[4] in ENDED for one in self._stand_in.clusters.states())

    def _survivor_is_back(self) -> bool:
        """Whether the half that was not struck has no more room than before."""
        other = self.timeline.survivor
        return other is None or self._stand_in.clusters.most_instances(other.cluster_id) == other.before

    def _operations(self) -> list[dict[str, Any]]:
        return [
            item
            for item in self._deployment.records("operation")
            if str(item["id"]) not in self.timeline.operations_before and "retirement" not in request_of(item)
        ]

    def _incarnations(self) -> list[dict[str, Any]]:
        return self._deployment.incarnations()

    def _fence_limit_passed(self) -> bool:
        _, metrics = told(self._stand_in.journal, since=self.timeline.journal_before)
        return self._fault.expect.fence_bound and metrics.get(FENCE_OVERDUE, 0) > 0

    def _outcome_text(self) -> str:
        ended = ", ".join(outcome for outcome, _ in self._ended())
        return f"operations since the fault: {ended}" if ended else "no operation since the fault"

    def _until(self, true: Callable[[], bool], limit: float, what: str) -> bool:
        """Wait for something, at most *limit* seconds on the drill's clock; whether it came.

        The report carries what did not come; after that nothing is waited for any more.
        """
        deadline = self._clock.now() + limit
        while not true():
            if not self._report.problem and self._clock.now() > deadline:
                self._report.problem = f"waited {limit:.0f} s for {what}, in vain"
            if self._report.problem:
                return False
            began = time.monotonic()
            time.sleep(LOOK_SECONDS)
            late = time.monotonic() - began - LOOK_SECONDS
            self._report.machine_late_seconds = max(self._report.machine_late_seconds, round(late, 2))
        return True
