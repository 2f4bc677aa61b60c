"""The files that Airflow installs from."""

from __future__ import annotations

import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from emr_dr import airflow_packages
from emr_dr.airflow_packages import PackageError, dag_files, livy_wheel, own_wheels, pack, prepare
from emr_dr.airflow_releases import LIVY_PROVIDERS, LivyProvider
from emr_dr.provider_wheel import WheelError

PROVIDER = LIVY_PROVIDERS[3, 0, 6]


def file(path: Path, content: bytes, *, changed_at: float = 1e9) -> Path:
    path.write_bytes(content)
    os.utime(path, (changed_at, changed_at))
    return path


def test_the_same_files_are_the_same_archive_whenever_it_is_made(tmp_path: Path) -> None:
    """B13: another archive would be another version, and so an update of half an hour."""
    one = [file(tmp_path / "a.whl", b"a"), file(tmp_path / "b.whl", b"b")]
    pack(one, tmp_path / "first.zip")
    for each in one:
        os.utime(each, (2e9, 2e9))
    pack(list(reversed(one)), tmp_path / "second.zip")

    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


def test_another_wheel_is_another_archive(tmp_path: Path) -> None:
    pack([file(tmp_path / "a.whl", b"a")], tmp_path / "first.zip")
    pack([file(tmp_path / "a.whl", b"A")], tmp_path / "second.zip")

    assert (tmp_path / "first.zip").read_bytes() != (tmp_path / "second.zip").read_bytes()


def test_every_required_package_is_in_the_archive(wheels: Path, tmp_path: Path) -> None:
    """A7: pip is told to look nowhere else."""
    made = prepare(PROVIDER, tmp_path)

    files = set(zipfile.ZipFile(made.plugins).namelist())
    assert {Path(line).name for line in made.lines} == files
    assert {file.split("-")[0] for file in files} == {"apache_airflow_providers_apache_livy", "emr_dr_airflow"}
    assert made.requirements.read_text().splitlines()[-2:] == list(made.lines)


def test_dag_files_are_those_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow_packages, "DAGS_FOLDER", tmp_path)
    for name in ("b.py", "a.py", "notes.md"):
        (tmp_path / name).touch()

    assert [each.name for each in dag_files()] == ["a.py", "b.py"]


def test_a_wheel_that_is_there_is_not_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / f"4.4.2-{PROVIDER.sha256[:12]}"
    folder.mkdir()
    kept = file(folder / "provider.whl", b"")
    monkeypatch.setattr(subprocess, "run", lambda *arguments, **more: pytest.fail("asked pip"))

    assert livy_wheel(PROVIDER, tmp_path) == kept


class Pip:
    """In place of pip: keeps its arguments, and brings a wheel or fails."""

    def __init__(self, folder: Path, error: str = "") -> None:
        self.folder = folder
        self.error = error
        self.wanted = ""

    def __call__(self, command: list[str], **more: Any) -> subprocess.CompletedProcess[str]:
        self.wanted = Path(command[command.index("--requirement") + 1]).read_text()
        assert "--no-deps" in command
        if not self.error:
            (Path(command[command.index("--dest") + 1]) / "provider.whl").touch()
        return subprocess.CompletedProcess(command, returncode=bool(self.error), stdout="", stderr=self.error)


def test_a_wheel_is_downloaded_by_its_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """B8: pip refuses anything else when a hash is there."""
    pip = Pip(tmp_path)
    monkeypatch.setattr(subprocess, "run", pip)

    assert livy_wheel(PROVIDER, tmp_path).name == "provider.whl"
    assert pip.wanted == f"apache-airflow-providers-apache-livy==4.4.2 --hash=sha256:{PROVIDER.sha256}\n"


def test_a_wheel_that_cannot_be_had_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", Pip(tmp_path, error="no route to host"))

    with pytest.raises(PackageError) as caught:
        livy_wheel(LivyProvider(version="9.9.9"), tmp_path)

    for part in ("apache-airflow-providers-apache-livy==9.9.9", "got: no route to host", "allowed: ", "remedy: "):
        assert part in str(caught.value)


def test_a_wheel_of_our_own_that_cannot_be_built_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A9: synth ends with a sentence, not with a traceback."""

    def build(directory: Path) -> Path:
        raise WheelError(f"nothing to build in {directory.name}")

    monkeypatch.setattr(airflow_packages, "build_provider_wheel", build)

    with pytest.raises(PackageError, match="operators cannot be built\n    nothing to build in own"):
        own_wheels(tmp_path)
