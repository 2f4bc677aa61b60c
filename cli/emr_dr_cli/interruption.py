"""Ctrl-C and SIGTERM end a command once, and then let it clean up."""

from __future__ import annotations

import signal
import time
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
# A drill takes a few seconds to stop what it started.  Whoever presses Ctrl-C twice must not break that off; whoever
# presses it after this long sees that it hangs, and may.
PATIENCE_SECONDS = 20.0


def interrupt_once() -> None:
    """Let the first of :data:`SIGNALS` raise KeyboardInterrupt in the main thread, and none soon after it."""
    interrupted_at: float | None = None

    def interrupt(signum: int, frame: FrameType | None) -> None:
        nonlocal interrupted_at
        now = time.monotonic()
        if interrupted_at is None or now - interrupted_at > PATIENCE_SECONDS:
            interrupted_at = now
            raise KeyboardInterrupt

    for number in SIGNALS:
        signal.signal(number, interrupt)


def was_interrupted(error: BaseException) -> bool:
    """Whether *error* was raised where an interruption was being handled, and so took its place.

    A library may do that: ``zipfile`` refuses to close an archive that is being written to.
    """
    behind: BaseException | None = error
    while behind is not None:
        if isinstance(behind, KeyboardInterrupt):
            return True
        behind = behind.__cause__ or behind.__context__
    return False
