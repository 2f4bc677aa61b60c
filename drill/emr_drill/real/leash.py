"""Ends the processes of one real primary when the drill is gone, however it went.

``python -m emr_drill.real.leash MARKER`` waits until its standard input ends; the drill holds the other end and never
writes.  Then every process whose environment names MARKER (the primary's directory) is killed: daemons, and YARN's
containers, which are nobody's children any more when their NodeManager is dead.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

PROC = Path("/proc")


def marked(marker: str) -> list[int]:
    """Processes, except this one, that carry *marker* in their environment (Linux) or command line (elsewhere)."""
    if not PROC.is_dir():
        found = subprocess.run(["pgrep", "-f", marker], capture_output=True, text=True, check=False).stdout.split()
        return [int(process) for process in found if int(process) != os.getpid()]
    result = []
    for entry in PROC.iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            # Whole values only: one primary's directory may be the beginning of another's.
            if f"={marker}\0".encode() in (entry / "environ").read_bytes():
                result.append(int(entry.name))
        except OSError:
            continue  # it ended while we looked
    return result


def containers(marker: str) -> list[int]:
    """Those of them that run in a container of YARN."""
    return [process for process in marked(marker) if _in_container(process)]


def _in_container(process: int) -> bool:
    if not PROC.is_dir():
        found = subprocess.run(
            ["ps", "-o", "command=", "-p", str(process)], capture_output=True, text=True, check=False
        )
        return "/container_" in found.stdout
    try:
        return b"\0CONTAINER_ID=" in b"\0" + (PROC / str(process) / "environ").read_bytes()
    except OSError:
        return False  # it ended while we looked


def kill_marked(marker: str) -> None:
    """SIGKILL them; twice, as a container that is just starting may be missed once."""
    for _ in range(2):
        for process in marked(marker):
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue


def main(marker: str) -> None:
    """Wait for the end of standard input, then kill."""
    while sys.stdin.buffer.read(1):
        continue
    kill_marked(marker)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the drill; we end when it has ended
    main(sys.argv[1])
