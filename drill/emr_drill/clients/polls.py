"""Asks for ids through the front door, thousands of times, and looks whose batch the answer names."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from emr_drill.jobs.client import LivyClient
from emr_drill.owners import Issued

# Machine seconds between two polls of one poller; together they are a small part of a core.
PAUSE_SECONDS = 0.12
# A poller that keeps its connection meets changes of the rules on it; after so many polls it begins a new one.
POLLS_PER_CONNECTION = 20


@dataclass(slots=True, kw_only=True)
class Polled:
    """What came of the polls.

    Attributes:
        statuses: status of the answer (0: none) -> how many.
        wrong: a sentence for each answer that names another batch than the one that got the id, or knows none.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many there were."""
        return self.statuses.total()


class Pollers:
    """Some clients that ask for any id that was issued, again and again, every second one on a kept connection.

    Args:
        count: how many.
        addresses: gives the addresses of the front door.
        issued: gives every id issued so far.
        seed: decides who asks for what.
    """

    def __init__(
        self,
        *,
        count: int,
        addresses: Callable[[], Sequence[str]],
        issued: Callable[[], Sequence[Issued]],
        seed: int,
    ) -> None:
        self._addresses = addresses
        self._issued = issued
        self._seed = seed
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._poll, args=(number,), name=f"poller {number}", daemon=True)
            for number in range(count)
        ]
        self.polled = Polled()

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout=30)

    def _poll(self, number: int) -> None:
        chance = random.Random(f"poller {self._seed} {number}")

        def addresses() -> Sequence[str]:
            found = list(self._addresses())
            chance.shuffle(found)
            return found

        client = LivyClient(addresses=addresses, keep=number % 2 == 0)
        asked = 0
        while not self._stop.wait(PAUSE_SECONDS):
            issued = list(self._issued())
            if not issued:
                continue
            self._ask(client, chance.choice(issued))
            asked += 1
            if asked % POLLS_PER_CONNECTION == 0:
                client.close()
        client.close()

    def _ask(self, client: LivyClient, one: Issued) -> None:
        answer = client.call("GET", f"/batches/{one.id}")
        why = ""
        if answer.status == 200:
            named = answer.body.get("name") if isinstance(answer.body, dict) else None
            if named != one.name:
                why = f"{one.id} of {one.name} was answered with the batch {named!r}"
        elif answer.status == 404:
            why = f"{one.id} of {one.name} was answered with 404"
        with self._lock:
            self.polled.statuses[answer.status] += 1
            if why:
                self.polled.wrong.append(why)
