"""What the front door saw of the clients' requests: how many polls, and whether each came to the cluster of its id."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

ABOUT_A_BATCH = re.compile(r"^/batches/(\d+)(/state)?(?:[/?].*)?$")


@dataclass(slots=True, kw_only=True)
class Seen:
    """Requests about one batch, in sum.

    Attributes:
        polls: status of an answer to a question for a batch's state -> how many.
        misrouted: answers that a cluster gave for an id that is not its own.
    """

    polls: Counter[int] = field(default_factory=Counter)
    misrouted: int = 0


class AccessLog:
    """Notes requests as the load balancer's log would; :meth:`note` is what ``LoadBalancers.on_request`` wants."""

    def __init__(self) -> None:
        self._answered: Counter[tuple[int, str, int, bool]] = Counter()

    def note(
        self, time: float, node: str, port: int, method: str, path: str, status: int, target: str, rule: str
    ) -> None:
        """One request."""
        found = ABOUT_A_BATCH.match(path)
        if found is None:
            return
        self._answered[int(found[1]), target.rpartition(":")[0], status, bool(found[2])] += 1

    def seen(self, *, owner: Callable[[int], str | None], cluster_at: Callable[[str], str | None]) -> Seen:
        """Everything so far.

        Args:
            owner: name of the cluster that an id belongs to.
            cluster_at: name of the cluster whose primary has an address.
        """
        result = Seen()
        for (batch, address, status, is_poll), count in list(self._answered.items()):
            if is_poll:
                result.polls[status] += count
            if address and status < 500 and cluster_at(address) != owner(batch):
                result.misrouted += count
        return result
