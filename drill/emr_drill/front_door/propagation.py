"""When each node of a load balancer learns of a change: after a delay of its own, never out of order."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class NodeView(Generic[T]):
    """What one node knows.  Times are simulated seconds; safe to use from several threads.

    There is no published bound on how long a rule or target change takes on AWS; the drill draws it for each node and
    change (``Event.ALB_CHANGE``, ``Event.NLB_CHANGE``), so that for a while two nodes answer differently.
    """

    def __init__(self, initial: T) -> None:
        self._current = initial
        self._coming: deque[tuple[float, T]] = deque()
        self._last = float("-inf")
        self._lock = threading.Lock()

    def publish(self, value: T, *, effective_at: float) -> float:
        """Let the node know *value* from *effective_at* on, or from its last earlier change on if that is later.

        Returns:
            When the node will know.
        """
        with self._lock:
            self._last = max(self._last, effective_at)
            self._coming.append((self._last, value))
            return self._last

    def at(self, now: float) -> T:
        """What the node knows at *now*; *now* may not go backwards by more than thread scheduling does."""
        with self._lock:
            while self._coming and self._coming[0][0] <= now:
                self._current = self._coming.popleft()[1]
            return self._current

    @property
    def settled_at(self) -> float:
        """When the last published change takes effect; minus infinity if there was none."""
        with self._lock:
            return self._last
