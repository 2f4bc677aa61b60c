"""Asks for every id that was ever issued, the whole drill long, and checks who answers.

No client-visible id may point at a wrong owner at any moment.  So each id is asked for through each node of the
application load balancer again and again, before, while and after rules and targets change, and the batch in the
answer is compared with the batch that was issued under that id.  A 410 is checked too: it tells a client to run its
job again, so it may only come when the old incarnation's applications are known dead.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from emr_drill.clock import Clock
from emr_drill.jobs.client import NO_ANSWER, Answer, LivyClient
from emr_drill.observe import IDS_PER_PREFIX

ROUND_SECONDS = 10.0
# One round asks through every node; more than this many ids a round are taken in turns, so that the watch stays small
# beside the jobs' own traffic.
IDS_PER_ROUND = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """An id and the unique name of the batch that got it."""

    id: int
    name: str


@dataclass(slots=True, kw_only=True)
class Findings:
    """What the watch saw: how often each status came, how often every id was asked for because a change had taken
    effect, and a sentence for each answer of a wrong owner."""

    asked: int = 0
    whole_rounds: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)


class OwnerWatch:
    """The watch; start it when the first id is issued.

    Args:
        clock: simulated time.
        nodes: addresses of the application load balancer's nodes.
        issued: gives every id issued so far.
        may_be_gone: whether the incarnation whose range an id lies in is known to run no application any more, so
            that 410 is right.  Once true it stays true, so that asking after the answer is early enough.
        settled_at: when the last change of rules and targets so far takes effect on every node; every id is asked for
            after that, besides the turns in between.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        nodes: Sequence[str],
        issued: Callable[[], Sequence[Issued]],
        may_be_gone: Callable[[int], bool],
        settled_at: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._nodes = nodes
        self._issued = issued
        self._may_be_gone = may_be_gone
        self._settled_at = settled_at
        self._known_gone: set[int] = set()
        self._stop = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._watch, name="owner watch", daemon=True)
        self.findings = Findings()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def finish(self) -> None:
        """End, and ask for every id once more, through every node.

        Raises:
            Exception: what broke the watch while it ran; its findings are not complete then.
        """
        self.stop()
        if self._failure is not None:
            raise self._failure
        self._round(self._issued())

    def stop(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join(timeout=60)

    def _watch(self) -> None:
        try:
            self._take_turns()
        except Exception as error:  # noqa: BLE001 - a watch that ended must not look like one that found nothing
            self._failure = error

    def _take_turns(self) -> None:
        turn, whole_round_at = 0, 0.0
        while not self._clock.wait(self._stop, ROUND_SECONDS):
            ids = list(self._issued())
            if not ids:
                continue
            if whole_round_at < self._settled_at() < self._clock.now():
                whole_round_at = self._clock.now()
                self.findings.whole_rounds += 1
                self._round(ids)
                continue
            chosen = [ids[(turn + number) % len(ids)] for number in range(min(IDS_PER_ROUND, len(ids)))]
            turn += IDS_PER_ROUND
            self._round(chosen)

    def _round(self, issued: Sequence[Issued]) -> None:
        for node in self._nodes:
            client = LivyClient(addresses=lambda node=node: [node], keep=True, limit_seconds=5)  # type: ignore[misc]
            silent: set[int] = set()
            for one in issued:
                # Who hangs for one id hangs for all of its range; each of them would take the whole limit.
                if one.id // IDS_PER_PREFIX in silent:
                    continue
                answer = client.call("GET", f"/batches/{one.id}")
                if answer.status == NO_ANSWER:
                    silent.add(one.id // IDS_PER_PREFIX)
                self._check(node, one, answer)
            client.close()

    def _check(self, node: str, one: Issued, answer: Answer) -> None:
        self.findings.asked += 1
        self.findings.statuses[answer.status] += 1
        if answer.status == 200:
            body = answer.body if isinstance(answer.body, dict) else {}
            if body.get("id") != one.id or body.get("name") != one.name:
                other = f"{body.get('id')} ({body.get('name')})"
                self.findings.complaints.append(
                    f"id {one.id} ({one.name}) was answered through {node} with batch {other}"
                )
        elif answer.status == 410 and not self._gone(one.id):
            self.findings.complaints.append(
                f"id {one.id} answered 410 through {node} before its applications were dead"
            )
        elif answer.status == 404:
            self.findings.complaints.append(f"id {one.id} ({one.name}) was answered 404 through {node}: a wrong owner")

    def _gone(self, batch_id: int) -> bool:
        """Whether 410 is right; asked once for a range of ids, as each of them is asked for through every node."""
        prefix = batch_id // IDS_PER_PREFIX
        if prefix not in self._known_gone and self._may_be_gone(batch_id):
            self._known_gone.add(prefix)
        return prefix in self._known_gone
