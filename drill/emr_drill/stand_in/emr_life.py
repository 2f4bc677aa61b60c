"""The life of one cluster, in a thread of its own and in simulated time.

STARTING, BOOTSTRAPPING (machines have addresses, services start), RUNNING (the steps of the request, for real), WAITING
when the drawn launch time is over; then whatever steps are added; TERMINATING and TERMINATED when somebody asks, or
when EMR notices that the primary is dead.
"""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from emr_drill.clock import Clock
from emr_drill.ports import Primary, Service, StepResult
from emr_drill.stand_in.emr_fleets import provision
from emr_drill.stand_in.emr_records import ENDED, ENDING, Cluster, ClusterState, Reason, Step, StepState
from emr_drill.timing import Event, Timing

# Shares of the drawn launch time.  Only the whole is in the timing table; how EMR divides it is an assumption
# (docs/assumptions.md).
ADDRESS_SHARE, SERVICES_SHARE = 0.4, 0.6
KEPT_STEP_OUTPUT = 4000
TERMINATE_ACTIONS = ("TERMINATE_CLUSTER", "TERMINATE_JOB_FLOW")


class Ended(Exception):
    """The cluster's life is over before what was waited for came true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How and when a cluster ends.

    Attributes:
        at: when it began to end, simulated seconds since 1970.
        seconds: how long it takes.
        state: the last state.
        reason: why.
    """

    at: float
    seconds: float
    state: ClusterState
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the life of a cluster needs of the stand-in.

    Attributes:
        clock: simulated time.
        timing: how long things take.
        assign_address: gives a new cluster's primary its address.
        stuck: whether a cluster gets no machines and no error either.
        capacity_failure: why its AZ has no machines for a cluster, or ``None``.
        available: whether EC2 has another machine of a type and market for a cluster.
        bootstrap_failure: why a cluster's machines cannot be set up, or ``None``.
        make_primary: the machines of a cluster that has its address, not started.
        run_step: runs a step's program on a cluster's primary.
        changed: told of each new state of a cluster, and of each step's, after it took effect.
    """

    clock: Clock
    timing: Timing
    assign_address: Callable[[Cluster], str]
    stuck: Callable[[Cluster], bool]
    capacity_failure: Callable[[Cluster], Reason | None]
    available: Callable[[Cluster, str, str], bool]
    bootstrap_failure: Callable[[Cluster], Reason | None]
    make_primary: Callable[[Cluster], Primary]
    run_step: Callable[[Cluster, Primary, Step], StepResult]
    changed: Callable[[Cluster, Step | None], None]


class ClusterLife:
    """One cluster's life; every method may be called from any thread."""

    def __init__(self, *, cluster: Cluster, world: World) -> None:
        self.cluster = cluster
        self.lock = threading.RLock()
        self.primary: Primary | None = None
        self._world = world
        self._clock = world.clock
        self._changed = threading.Condition(self.lock)
        self._ending: Ending | None = None
        self._dead_noticed_at: float | None = None
        self._killed = False  # all services of the primary are dead, for ever
        self._unreachable = False  # the primary's AZ is gone
        self._holds: set[str] = set()
        self._closing = False
        self._thread = threading.Thread(target=self._live, name=f"cluster {cluster.name}", daemon=True)

    def start(self) -> None:
        """Begin to live."""
        self.cluster.history.append((self.cluster.state, self.cluster.created))
        self._world.changed(self.cluster, None)
        self._thread.start()

    def add_steps(self, steps: Sequence[Step]) -> None:
        """Put *steps* at the end of the line."""
        with self._changed:
            self.cluster.steps.extend(steps)
            self._changed.notify_all()

    def cancel_step(self, step_id: str) -> dict[str, str]:
        """Cancel a step that has not begun; the item of CancelSteps' answer.

        One that runs is not interrupted here, as EMR would from 5.28 on.
        """
        with self._changed:
            for step in self.cluster.steps:
                if step.id == step_id and step.state is StepState.PENDING:
                    step.state, step.ended = StepState.CANCELLED, self._clock.now()
                    self._world.changed(self.cluster, step)
                    return {"StepId": step_id, "Status": "SUBMITTED"}
        return {"StepId": step_id, "Status": "FAILED", "Reason": "Only a step that is pending can be cancelled."}

    def terminate(self, *, reason: Reason, state: ClusterState = ClusterState.TERMINATED) -> None:
        """Begin to end the cluster; nothing if it does that already."""
        with self.lock:
            if self._ending is None:
                seconds = self._world.timing.draw(Event.EMR_TERMINATION, self.cluster.name)
                self._end_with(Ending(at=self._clock.now(), seconds=seconds, state=state, reason=reason))

    def kill(self, services: Sequence[Service]) -> None:
        """SIGKILL *services* of the primary.  With all of them dead so is the primary, and EMR will notice."""
        with self._changed:
            if self.primary is None or self.cluster.state in ENDED:
                return
            self.primary.kill(services)
            if not any(self.primary.running().values()):
                self._killed = True
                self._notice()
            self._changed.notify_all()

    def lose(self) -> None:
        """The primary's AZ is gone: nobody reaches the primary, no step runs or ends there, and EMR will notice."""
        with self._changed:
            if self.cluster.state in ENDED or self._unreachable:
                return
            self._unreachable = True
            if self.primary is not None:
                self.primary.freeze(list(Service))
            self._notice()
            self._changed.notify_all()

    def regain(self) -> None:
        """The primary's AZ is back; a primary that EMR has not noticed to be gone works on."""
        with self._changed:
            if not self._unreachable:
                return
            self._unreachable = False
            if self.primary is not None and self.cluster.state not in ENDED:
                self.primary.thaw(list(Service))
            if self._dead_noticed_at is not None and self._clock.now() < self._dead_noticed_at and not self._killed:
                self._dead_noticed_at = None
            self._changed.notify_all()

    def hold(self, by: str) -> None:
        """Let no machine be ended, and the cluster stay TERMINATING, until :meth:`release` by the same."""
        with self._changed:
            self._holds.add(by)

    def release(self, by: str) -> None:
        """Take a hold away."""
        with self._changed:
            self._holds.discard(by)
            self._changed.notify_all()

    def look_again(self) -> None:
        """Something that this life may wait for has changed."""
        with self._changed:
            self._changed.notify_all()

    def _notice(self) -> None:
        if self._dead_noticed_at is None:
            delay = self._world.timing.draw(Event.EMR_NOTICES_DEAD_PRIMARY, self.cluster.name)
            self._dead_noticed_at = self._clock.now() + delay

    def close(self) -> None:
        """Stop everything at once; the drill is over."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            primary = self.primary
        if primary is not None:
            primary.terminate()

    def join(self) -> None:
        """Wait for the end after :meth:`close`."""
        if self._thread.ident is not None:
            self._thread.join()

    def _live(self) -> None:
        try:
            self._launch()
            while True:
                self._run_step(self._next_step())
        except Ended:
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is, the cluster must fail with it, not hang
            self.terminate(
                reason=Reason(code="INTERNAL_ERROR", message=f"the stand-in failed: {error!r}"),
                state=ClusterState.TERMINATED_WITH_ERRORS,
            )
        self._end()

    def _launch(self) -> None:
        cluster = self.cluster
        launch = self._world.timing.draw(Event.EMR_LAUNCH, cluster.name)
        self._until(cluster.created + launch * ADDRESS_SHARE)
        self._until_true(lambda: not self._world.stuck(cluster))
        if failure := self._world.capacity_failure(cluster):
            now = self._clock.now()
            self._end_with(Ending(at=now, seconds=0, state=ClusterState.TERMINATED_WITH_ERRORS, reason=failure))
            raise Ended
        begun = cluster.created + self._provision()
        with self.lock:
            cluster.address = self._world.assign_address(cluster)
            self._set(ClusterState.BOOTSTRAPPING)
        self._until(begun + launch * SERVICES_SHARE)
        if failure := self._world.bootstrap_failure(cluster):
            self.terminate(reason=failure, state=ClusterState.TERMINATED_WITH_ERRORS)
            raise Ended
        self._start_services()
        self._until(begun + launch - sum(step.seconds for step in cluster.steps))
        with self.lock:
            cluster.ready = self._clock.now()
            self._set(ClusterState.RUNNING)
        while step := self._pending_step():
            self._run_step(step)
        if not cluster.request["Instances"].get("KeepJobFlowAliveWhenNoSteps", False):
            self.terminate(reason=Reason(code="ALL_STEPS_COMPLETED", message="Steps completed"))
        self._until(begun + launch)
        self._set(ClusterState.WAITING, self._waiting_reason())

    def _provision(self) -> float:
        """Wait until every fleet has its machines; for how long, which is by how much the launch is later."""
        since, cluster = self._clock.now(), self.cluster
        with self._changed:
            while True:
                now = self._clock.now()
                available = functools.partial(self._world.available, cluster)
                missing = provision(cluster.fleets, available, begun=cluster.created, now=now)
                if missing is None:
                    return now - since
                if missing.given_up:
                    reason = Reason(code="INSTANCE_FLEET_TIMEOUT", message=missing.given_up)
                    self._end_with(Ending(at=now, seconds=0, state=ClusterState.TERMINATED_WITH_ERRORS, reason=reason))
                    raise Ended
                self._wait(missing.until)

    def _start_services(self) -> None:
        primary = self._world.make_primary(self.cluster)
        with self.lock:
            self._check()
            self.primary = primary
        try:
            primary.start()
        except RuntimeError as error:
            self.terminate(
                reason=Reason(code="BOOTSTRAP_FAILURE", message=str(error)), state=ClusterState.TERMINATED_WITH_ERRORS
            )
        with self.lock:
            self._check()
            if self._unreachable:  # gone while they started
                primary.freeze(list(Service))

    def _pending_step(self) -> Step | None:
        with self.lock:
            return next((step for step in self.cluster.steps if step.state is StepState.PENDING), None)

    def _next_step(self) -> Step:
        """Wait for a step."""
        with self._changed:
            while not (step := self._pending_step()):
                if self.cluster.state is ClusterState.RUNNING:
                    self._set(ClusterState.WAITING, self._waiting_reason())
                self._wait(math.inf)
            self._check()
            return step

    def _waiting_reason(self) -> Reason:
        ran = bool(self.cluster.steps)
        return Reason(message="Cluster ready after last step completed." if ran else "Cluster ready to run steps.")

    def _run_step(self, step: Step) -> None:
        with self.lock:
            self._check()
            primary = self.primary
            assert primary is not None, "steps run after services were started"
            self._until_true(self._reachable)
            if step.state is not StepState.PENDING:  # cancelled a moment ago
                return
            if self.cluster.state is ClusterState.WAITING:
                self._set(ClusterState.RUNNING, Reason(message="Running step"))
            step.state, step.started = StepState.RUNNING, self._clock.now()
            self._world.changed(self.cluster, step)
        result = self._apart(lambda: self._world.run_step(self.cluster, primary, step))
        self._until_true(self._reachable)
        self._until((step.started or 0) + step.seconds)
        self._finish_step(step, result)

    def _apart(self, work: Callable[[], StepResult]) -> StepResult:
        """Do *work* in a thread of its own: a script that hangs does not keep the cluster from its end."""
        results: list[StepResult] = []
        errors: list[Exception] = []

        def run() -> None:
            try:
                results.append(work())
            except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where the result is awaited
                errors.append(error)
            self.look_again()

        threading.Thread(target=run, name=f"step on {self.cluster.name}", daemon=True).start()
        self._until_true(lambda: bool(results or errors))
        if errors:
            raise errors[0]
        return results[0]

    def _reachable(self) -> bool:
        """Whether EMR reaches the primary; else nothing runs there, until EMR notices that it is gone."""
        return not (self._killed or self._unreachable)

    def _finish_step(self, step: Step, result: StepResult) -> None:
        with self.lock:
            self._check()
            step.ended = self._clock.now()
            step.message = result.output[-KEPT_STEP_OUTPUT:]
            step.state = StepState.COMPLETED if result.exit_code == 0 else StepState.FAILED
            self._world.changed(self.cluster, step)
            if step.state is StepState.COMPLETED:
                return
            if step.action_on_failure in TERMINATE_ACTIONS:
                self.terminate(
                    reason=Reason(code="STEP_FAILURE", message="Shut down as step failed"),
                    state=ClusterState.TERMINATED_WITH_ERRORS,
                )
            elif step.action_on_failure == "CANCEL_AND_WAIT":
                self._cancel_steps()

    def _cancel_steps(self) -> None:
        now = self._clock.now()
        for step in self.cluster.steps:
            if step.state in (StepState.PENDING, StepState.RUNNING):
                step.state = StepState.CANCELLED if step.state is StepState.PENDING else StepState.INTERRUPTED
                step.ended = now
                self._world.changed(self.cluster, step)

    def _end_with(self, ending: Ending) -> None:
        with self._changed:
            self._ending = ending
            if ending.seconds > 0:
                self._set(ClusterState.TERMINATING, ending.reason)
            self._changed.notify_all()

    def _end(self) -> None:
        """Wait until the termination is over; then the machines are gone first, and the state says so after that."""
        with self._changed:
            ending = self._ending
            over = ending.at + ending.seconds if ending else 0.0
            while ending and not self._closing and (self._holds or self._clock.now() < over):
                left = None if self._holds else self._clock.machine_seconds(over - self._clock.now())
                self._changed.wait(left)
        if self.primary is not None:
            self.primary.terminate()
        with self.lock:
            if ending and not self._closing:
                self._cancel_steps()
                self.cluster.ended = self._clock.now()
                self._set(ending.state, ending.reason)

    def _set(self, state: ClusterState, reason: Reason | None = None) -> None:
        with self.lock:
            if self._ending is not None and state not in ENDING:
                raise Ended
            self.cluster.state, self.cluster.reason = state, reason or Reason()
            self.cluster.history.append((state, self._clock.now()))
            self._world.changed(self.cluster, None)

    def _check(self) -> None:
        """Raise Ended if nothing but the end is left; make it the end if EMR has noticed a dead primary by now."""
        if self._dead_noticed_at is not None and self._clock.now() >= self._dead_noticed_at:
            self.terminate(
                reason=Reason(code="INSTANCE_FAILURE", message="The master instance terminated unexpectedly"),
                state=ClusterState.TERMINATED_WITH_ERRORS,
            )
        if self._ending is not None or self._closing:
            raise Ended

    def _until(self, moment: float) -> None:
        with self._changed:
            while True:
                self._check()
                if self._clock.now() >= moment:
                    return
                self._wait(moment)

    def _until_true(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            self._check()
            while not condition():
                self._wait(math.inf)

    def _wait(self, moment: float) -> None:
        """Wait for a change, or for *moment*, whichever comes first."""
        self._check()
        until = min(moment, self._dead_noticed_at if self._dead_noticed_at is not None else math.inf)
        left = until - self._clock.now()
        self._changed.wait(None if math.isinf(left) else max(0.0, self._clock.machine_seconds(left)))
        self._check()
