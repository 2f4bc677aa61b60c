"""How much memory a drill takes, from a made-up /proc."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from emr_drill import memory

MARKER = "/tmp/drill-1"
PAGES_OF_ONE_MIB = 2**20 // os.sysconf("SC_PAGE_SIZE")


class Processes:
    """A directory that looks like /proc."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "self").mkdir()
        (root / "meminfo").write_text("")

    def add(self, number: int, *, parent: int, mib: int, environment: str = "", name: str = "python") -> None:
        """A process; its name may hold anything, as on Linux."""
        folder = self.root / str(number)
        folder.mkdir()
        rest = ["S", str(parent), *["0"] * 19, str(mib * PAGES_OF_ONE_MIB), "0"]
        (folder / "stat").write_text(f"{number} ({name}) {' '.join(rest)}")
        (folder / "environ").write_bytes(environment.encode())


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Processes:
    monkeypatch.setattr(memory, "PROC", tmp_path)
    return Processes(tmp_path)


def test_the_drill_and_its_descendants_count(processes: Processes) -> None:
    processes.add(10, parent=1, mib=100)
    processes.add(11, parent=10, mib=20)
    processes.add(12, parent=11, mib=3)
    processes.add(13, parent=1, mib=4000)

    assert memory.resident_mib(10, marker=MARKER) == 123


def test_services_that_lost_their_parent_count_by_their_environment(processes: Processes) -> None:
    processes.add(10, parent=1, mib=100)
    processes.add(20, parent=1, mib=7, environment=f"A=b\0DRILL_DIRECTORY={MARKER}/clusters/j-1\0")
    processes.add(21, parent=20, mib=1)
    processes.add(22, parent=1, mib=4000, environment="DRILL_DIRECTORY=/tmp/other\0")

    assert memory.resident_mib(10, marker=MARKER) == 108


def test_a_name_with_parentheses_and_spaces_is_read(processes: Processes) -> None:
    processes.add(10, parent=1, mib=5, name="odd) S 1 (name")

    assert memory.resident_mib(10, marker=MARKER) == 5


def test_a_process_that_ends_meanwhile_is_left_out(processes: Processes) -> None:
    processes.add(10, parent=1, mib=5)
    (processes.root / "11").mkdir()

    assert memory.resident_mib(10, marker=MARKER) == 5


def test_elsewhere_it_is_not_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "PROC", tmp_path / "none")

    assert memory.resident_mib(os.getpid(), marker=MARKER) == 0


def test_the_peak_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([10, 30, 20])
    watch = memory.PeakMemory(marker=MARKER)

    def look(root: int, *, marker: str) -> int:
        value = next(readings)
        if value == 20:
            watch._stop.set()
        return value

    monkeypatch.setattr(memory, "resident_mib", look)
    monkeypatch.setattr(memory, "LOOK_SECONDS", 0.001)
    watch.start()
    watch._thread.join(10)
    watch.stop()

    assert watch.mib == 30
