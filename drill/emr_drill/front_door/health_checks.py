"""Checks that are really made, one checker for each thing to check, and the health of every registered target."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from emr_drill.clock import Clock
from emr_drill.front_door.health import CheckResult, HealthState, TargetHealth
from emr_drill.front_door.model import HealthCheck, Target, TargetGroup
from emr_drill.front_door.tls import blind

# Machine seconds: at high speeds a check each 5 simulated seconds would keep a small machine busy with checks alone.
SHORTEST_PAUSE = 0.2
# Simulated seconds for which a deregistered target's health is still known to nodes that have not yet heard.
KNOWN_AFTER_DEREGISTRATION = 150.0
_TLS = blind()
USER_AGENT = "ELB-HealthChecker/2.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One thing to check; groups whose check of a target is the same share it.

    Attributes:
        addresses: checked in turn (an application load balancer as a target has several).
        port: checked port.
        check: protocol, path, matcher, times.
    """

    addresses: tuple[str, ...]
    port: int
    check: HealthCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A registered target that is to be checked.

    Attributes:
        group: its group.
        target: the target.
        addresses: where it is checked.
        healthy_at: earliest simulated time at which it can be healthy; used if the target is new here.
        healthy_after: draws how long a target that answers again takes to become healthy.
        unhealthy_after: draws how long a target that stopped answering takes to become unhealthy.
    """

    group: TargetGroup
    target: Target
    addresses: tuple[str, ...]
    healthy_at: Callable[[], float]
    healthy_after: Callable[[], float]
    unhealthy_after: Callable[[], float]

    @property
    def probe(self) -> Probe:
        """What is checked."""
        check = self.group.health_check
        return Probe(addresses=self.addresses, port=check.port or self.target.port, check=check)


@dataclass(slots=True, kw_only=True)
class _Record:
    membership: Membership
    health: TargetHealth
    probe: Probe
    deregistered_at: float | None = None


@dataclass(slots=True)
class _Checker:
    task: asyncio.Task[None] | None = None
    records: list[_Record] = field(default_factory=list)


Key = tuple[str, Target]


class HealthBoard:
    """Health of every registered target of every group in use.

    Methods may be called from any thread; checks run on *loop*.

    Args:
        clock: simulated time.
        loop: event loop that checks run on.
        on_change: called with time, group, target, old and new state, on the loop's thread, after a check.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        on_change: Callable[[float, TargetGroup, Target, HealthState, HealthState], None],
    ) -> None:
        self._clock = clock
        self._loop = loop
        self._on_change = on_change
        self._lock = threading.RLock()
        self._records: dict[Key, _Record] = {}
        self._checkers: dict[Probe, _Checker] = {}
        self._closed = False

    def replace(self, memberships: Iterable[Membership]) -> None:
        """Make *memberships* the registered targets: start with new ones, let go of others."""
        now = self._clock.now()
        with self._lock:
            wanted = {(membership.group.arn, membership.target): membership for membership in memberships}
            for key, record in list(self._records.items()):
                if key not in wanted:
                    record.deregistered_at = record.deregistered_at or now
                    known_for = max(record.membership.group.deregistration_delay_seconds, KNOWN_AFTER_DEREGISTRATION)
                    if now > record.deregistered_at + known_for:
                        self._drop(key)
            for key, membership in wanted.items():
                known = self._records.get(key)
                if known is not None and (known.deregistered_at is not None or known.probe != membership.probe):
                    self._drop(key)
                    known = None
                if known is None:
                    self._add(key, membership, now)
                else:
                    known.membership = membership

    @property
    def checkers(self) -> int:
        """How many things are checked."""
        with self._lock:
            return len(self._checkers)

    def state(self, group: str, target: Target) -> HealthState | None:
        """What nodes make of *target*: a verdict, even while it drains; None for one that is not known."""
        with self._lock:
            record = self._records.get((group, target))
            return record.health.state_at(self._clock.now()) if record else None

    def reported(self, group: str) -> dict[Target, tuple[HealthState, CheckResult | None]]:
        """Registered and draining targets of *group*, as DescribeTargetHealth shows them, with the last check."""
        now = self._clock.now()
        found: dict[Target, tuple[HealthState, CheckResult | None]] = {}
        with self._lock:
            for (arn, target), record in self._records.items():
                if arn != group:
                    continue
                if record.deregistered_at is None:
                    found[target] = (record.health.state_at(now), record.health.last_check)
                elif now < record.deregistered_at + record.membership.group.deregistration_delay_seconds:
                    found[target] = (HealthState.DRAINING, None)
        return found

    async def close(self) -> None:
        """Stop every checker."""
        with self._lock:
            self._closed = True
            tasks = [checker.task for checker in self._checkers.values() if checker.task]
            self._checkers.clear()
            self._records.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _add(self, key: Key, membership: Membership, now: float) -> None:
        check = membership.group.health_check
        record = _Record(
            membership=membership,
            probe=membership.probe,
            health=TargetHealth(
                registered_at=now,
                healthy_at=membership.healthy_at(),
                healthy_after=membership.healthy_after,
                unhealthy_after=membership.unhealthy_after,
                healthy_threshold=check.healthy_threshold,
                unhealthy_threshold=check.unhealthy_threshold,
            ),
        )
        self._records[key] = record
        checker = self._checkers.get(record.probe)
        if checker is None:
            checker = self._checkers[record.probe] = _Checker()
            self._loop.call_soon_threadsafe(self._start, record.probe)
        checker.records.append(record)

    def _drop(self, key: Key) -> None:
        record = self._records.pop(key)
        checker = self._checkers[record.probe]
        checker.records.remove(record)
        if not checker.records:
            del self._checkers[record.probe]
            if checker.task is not None:
                self._loop.call_soon_threadsafe(checker.task.cancel)

    def _start(self, probe: Probe) -> None:
        with self._lock:
            checker = self._checkers.get(probe)
            if checker is not None and checker.task is None and not self._closed:
                checker.task = self._loop.create_task(self._check_forever(probe))

    async def _check_forever(self, probe: Probe) -> None:
        pause = max(self._clock.machine_seconds(probe.check.interval_seconds), SHORTEST_PAUSE)
        turn = 0
        while True:
            started = self._loop.time()
            result = await run_check(probe, probe.addresses[turn % len(probe.addresses)], self._clock.now())
            turn += 1
            self._take_in(probe, result)
            await asyncio.sleep(max(0.0, started + pause - self._loop.time()))

    def _take_in(self, probe: Probe, result: CheckResult) -> None:
        changes = []
        with self._lock:
            checker = self._checkers.get(probe)
            for record in checker.records if checker else []:
                before = record.health.reported_state
                record.health.observe(result)
                after = record.health.state_at(max(self._clock.now(), result.started_at))
                if before is not after:
                    changes.append((record.membership.group, record.membership.target, before, after))
        for group, target, before, after in changes:
            self._on_change(self._clock.now(), group, target, before, after)


async def run_check(probe: Probe, address: str, started_at: float) -> CheckResult:
    """Check once; never raises for what a target does."""
    check = probe.check
    try:
        async with asyncio.timeout(check.timeout_seconds):
            tls = _TLS if check.protocol == "HTTPS" else None
            reader, writer = await asyncio.open_connection(address, probe.port, ssl=tls)
            try:
                status = await _ask(reader, writer, f"{address}:{probe.port}", check) if check.protocol != "TCP" else ""
            finally:
                writer.transport.abort()
    except TimeoutError:
        return CheckResult(
            started_at=started_at, passed=False, reason="Target.Timeout", description="Request timed out"
        )
    except (OSError, asyncio.LimitOverrunError, ValueError) as error:
        return CheckResult(
            started_at=started_at,
            passed=False,
            reason="Target.FailedHealthChecks",
            description=f"Health checks failed: {error}",
        )
    if check.protocol == "TCP" or matches(check.matcher, status):
        return CheckResult(started_at=started_at, passed=True)
    return CheckResult(
        started_at=started_at,
        passed=False,
        reason="Target.ResponseCodeMismatch",
        description=f"Health checks failed with these codes: [{status}]",
    )


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, check: HealthCheck) -> str:
    lines = [f"GET {check.path} HTTP/1.1", f"Host: {host}", f"User-Agent: {USER_AGENT}", "Connection: close", "", ""]
    writer.write("\r\n".join(lines).encode("latin-1"))
    status = (await reader.readline()).decode("latin-1")
    while await reader.read(65536):
        pass
    return status.split(" ")[1] if status.startswith("HTTP/1.") and " " in status else ""


def matches(matcher: str, status: str) -> bool:
    """Whether *status* is one of *matcher*: ``200``, ``200,202`` or ``200-399``."""
    if not status.isdigit():
        return False
    for part in matcher.split(","):
        low, _, high = part.strip().partition("-")
        if int(low) <= int(status) <= int(high or low):
            return True
    return False
