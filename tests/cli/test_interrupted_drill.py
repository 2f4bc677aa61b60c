"""A drill that is interrupted leaves nothing running: the real command, in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from emr_drill import preflight
from emr_drill.addresses import Addresses
from emr_drill.choose import primary_ports

LIMIT_SECONDS = 240.0  # machine time; only a failure takes that long


def running() -> dict[int, int]:
    """Every process that has not ended, and its parent."""
    told = subprocess.run(["ps", "-axo", "pid=,ppid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in told.splitlines()]
    return {int(row[0]): int(row[1]) for row in rows if not row[2].startswith("Z")}


def descendants(root: int) -> set[int]:
    """The processes that *root* started, and those started by them."""
    parents = running()
    found = {root}
    while more := {process for process, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {root}


@pytest.mark.parametrize(
    ("number", "moment", "processes"),
    [pytest.param(signal.SIGINT, "BOOTSTRAPPING", 3, marks=pytest.mark.long), (signal.SIGTERM, "deploying", 0)],
)
def test_nothing_is_left_of_an_interrupted_drill(
    assembly: Path, tmp_path: Path, number: signal.Signals, moment: str, processes: int
) -> None:
    """Interrupted twice, as impatient people do, while a cluster launches and while the stand-in starts."""
    worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0")
    addresses = Addresses(block=79 - worker % 4)  # of no other test
    words = ["drill", "--assembly", str(assembly), "--block", str(addresses.block), "--speed", "15"]
    drill = subprocess.Popen(
        [sys.executable, "-m", "emr_dr_cli", *words, "--workdir", str(tmp_path / "work")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    killer = threading.Timer(LIMIT_SECONDS, drill.kill)
    killer.start()
    assert drill.stderr is not None
    told = ""
    while moment not in told:
        line = drill.stderr.readline()
        assert line, told
        told += line
    started = descendants(drill.pid)

    drill.send_signal(number)
    drill.send_signal(number)
    out, rest = drill.communicate()
    killer.cancel()

    assert (drill.returncode, out) == (130, ""), rest
    assert rest.splitlines()[-1] == "interrupted; everything that was started has been stopped"
    assert "Traceback" not in told + rest
    assert len(started) >= processes
    assert started & running().keys() == set()
    preflight.check_ports(addresses, primary_ports("simulated"))
    preflight.hold_block(addresses).close()
