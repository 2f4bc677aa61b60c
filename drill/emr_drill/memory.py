"""How much memory a drill and everything that it started take; Linux only, 0 elsewhere."""

from __future__ import annotations

import os
import threading
from pathlib import Path

PROC = Path("/proc")
LOOK_SECONDS = 2.0  # machine time


def resident_mib(root: int, *, marker: str) -> int:
    """Resident memory of process *root*, its descendants, and every process whose environment names *marker*.

    Services run in sessions of their own and may have lost their parent; they are found by the drill's working
    directory in their environment.
    """
    if not PROC.is_dir():
        return 0
    parents: dict[int, int] = {}
    pages: dict[int, int] = {}
    marked: set[int] = set()
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            parents[int(entry.name)] = int(stat[1])
            pages[int(entry.name)] = int(stat[21])
            if marker.encode() in (entry / "environ").read_bytes():
                marked.add(int(entry.name))
        except (OSError, IndexError):
            continue  # it ended while we looked

    def ours(process: int) -> bool:
        while process in parents:
            if process == root or process in marked:
                return True
            process = parents[process]
        return False

    total = sum(count for process, count in pages.items() if ours(process))
    return total * os.sysconf("SC_PAGE_SIZE") // 2**20


class PeakMemory:
    """Watches the drill's memory from time to time and keeps the highest value."""

    def __init__(self, *, marker: str) -> None:
        self._marker = marker
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)
        self.mib = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join(timeout=10)

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self.mib = max(self.mib, resident_mib(os.getpid(), marker=self._marker))
