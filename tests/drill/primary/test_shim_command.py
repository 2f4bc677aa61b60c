"""How a script's command is changed so that it can run here."""

from __future__ import annotations

from pathlib import Path

import pytest

from emr_drill.primary.shim_command import change_owner, mapped, without_owners, without_sudo

ROOT = "/drills/one/machine"


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("/var/lib/livy", f"{ROOT}/var/lib/livy"),
        ("/etc", f"{ROOT}/etc"),
        ("--file=/etc/livy/conf", f"--file={ROOT}/etc/livy/conf"),
        ("cat /var/lib/a > '/etc/b'", f"cat {ROOT}/var/lib/a > '{ROOT}/etc/b'"),
        (f"{ROOT}/var/lib/livy", f"{ROOT}/var/lib/livy"),
        ("/variable/x", "/variable/x"),
        ("hdfs:///tmp/emr-dr", "hdfs:///tmp/emr-dr"),
        ("file:///var/lib/livy", "file:///var/lib/livy"),
        ("relative/var/lib", "relative/var/lib"),
        ("livy-server", "livy-server"),
    ],
)
def test_the_machines_paths_are_mapped_below_its_directory(argument: str, expected: str) -> None:
    assert mapped(argument, ROOT) == expected


def test_a_directory_that_looks_like_a_machines_path_is_mapped_once() -> None:
    assert mapped("/var/tmp/machine/var/lib", "/var/tmp/machine") == "/var/tmp/machine/var/lib"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["systemctl", "stop", "livy-server"], ["systemctl", "stop", "livy-server"]),
        (["-u", "livy", "mkdir", "-p", "x"], ["mkdir", "-p", "x"]),
        (["-n", "--user=livy", "--", "tee", "x"], ["tee", "x"]),
        (["-n"], []),
    ],
)
def test_sudo_is_taken_away(arguments: list[str], expected: list[str]) -> None:
    assert without_sudo(arguments) == expected


def test_variables_before_the_command_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE", "old")

    assert without_sudo(["EXAMPLE=new", "env"]) == ["env"]


def test_owners_are_taken_away_from_install() -> None:
    assert without_owners(["-o", "livy", "--group=livy", "-m", "0700", "-d", "x"]) == ["-m", "0700", "-d", "x"]


def test_chown_of_what_is_there_does_nothing(tmp_path: Path) -> None:
    assert change_owner(["-R", "livy:livy", str(tmp_path)]) == 0


def test_chown_of_what_is_missing_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert change_owner(["livy:livy", str(tmp_path / "missing")]) == 1
    assert "No such file or directory" in capsys.readouterr().err
