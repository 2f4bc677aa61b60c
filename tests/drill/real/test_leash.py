"""Ending the processes of a primary when the drill is gone, however it went."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emr_drill.real import leash

Start = Callable[[str], "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a process that carries a marker, as a daemon does (and a container, which has lost its parent)."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(marker: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            # On the command line too, where processes are looked for on other systems than Linux.
            [sys.executable, "-IS", "-c", "print(flush=True); import time; time.sleep(60)", marker],
            env={"DRILL_DIRECTORY": marker},
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        started.append(process)
        assert process.stdout is not None
        process.stdout.read(1)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_what_carries_the_marker_is_killed(start: Start, tmp_path: Path) -> None:
    mine, other = start(str(tmp_path / "mine")), start(str(tmp_path / "other"))

    leash.kill_marked(str(tmp_path / "mine"))

    assert mine.wait(20) == -9
    assert other.poll() is None


def test_the_end_of_the_drill_ends_its_processes(start: Start, tmp_path: Path) -> None:
    """The drill never writes: the end of input means that it is gone, even by SIGKILL."""
    marked = start(str(tmp_path))
    held = subprocess.Popen([sys.executable, "-m", "emr_drill.real.leash", str(tmp_path)], stdin=subprocess.PIPE)
    assert held.stdin is not None

    assert marked.poll() is None
    held.stdin.close()

    assert marked.wait(20) == -9
    assert held.wait(20) == 0


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, str], None]:
    """Makes an entry of a made-up /proc."""
    monkeypatch.setattr(leash, "PROC", tmp_path)
    (tmp_path / "self").mkdir()

    def add(number: int, environment: str) -> None:
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "environ").write_bytes(environment.encode())

    return add


def test_processes_are_found_by_a_value_of_their_environment(processes: Callable[[int, str], None]) -> None:
    processes(10, "A=b\0DRILL_DIRECTORY=/tmp/c/j-1\0")
    processes(11, "A=b\0")

    assert leash.marked("/tmp/c/j-1") == [10]


def test_another_primary_whose_directory_begins_alike_is_left_alone(processes: Callable[[int, str], None]) -> None:
    processes(10, "DRILL_DIRECTORY=/tmp/c/j-10\0")
    processes(11, "DRILL_DIRECTORY=/tmp/c/j-1/logs\0")

    assert leash.marked("/tmp/c/j-1") == []


def test_nobody_finds_itself(processes: Callable[[int, str], None]) -> None:
    processes(os.getpid(), "DRILL_DIRECTORY=/tmp/c/j-1\0")

    assert leash.marked("/tmp/c/j-1") == []


def test_a_process_that_ends_meanwhile_is_left_out(processes: Callable[[int, str], None], tmp_path: Path) -> None:
    (tmp_path / "12").mkdir()
    processes(13, "DRILL_DIRECTORY=/tmp/c/j-1\0")

    assert leash.marked("/tmp/c/j-1") == [13]


def test_elsewhere_processes_are_found_by_their_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pgrep = tmp_path / "pgrep"
    pgrep.write_text(f'#!/bin/sh\n[ "$*" = "-f /tmp/c/j-1" ] && echo 10 && echo {os.getpid()}\n')
    pgrep.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(leash, "PROC", tmp_path / "none")

    assert leash.marked("/tmp/c/j-1") == [10]


def test_containers_are_those_that_yarn_named(processes: Callable[[int, str], None]) -> None:
    processes(10, "DRILL_DIRECTORY=/tmp/c/j-1\0CONTAINER_ID=container_1_0001_01_000001\0")
    processes(11, "CONTAINER_ID=container_1_0001_01_000002\0DRILL_DIRECTORY=/tmp/c/j-1\0")
    processes(12, "DRILL_DIRECTORY=/tmp/c/j-1\0NOT_CONTAINER_ID=1\0")
    processes(13, "DRILL_DIRECTORY=/tmp/c/j-2\0CONTAINER_ID=container_1_0001_01_000003\0")

    assert sorted(leash.containers("/tmp/c/j-1")) == [10, 11]


def test_elsewhere_containers_are_found_by_their_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, script in (
        ("pgrep", "echo 10; echo 11"),
        ("ps", '[ "$4" = 10 ] && echo java -Djava.io.tmpdir=/yarn/container_1/tmp || echo java'),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(leash, "PROC", tmp_path / "none")

    assert leash.containers("/tmp/c/j-1") == [10]


def test_a_process_that_ends_meanwhile_is_in_no_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leash, "PROC", tmp_path)

    assert not leash._in_container(10)
