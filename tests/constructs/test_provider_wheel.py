"""The wheel that Airflow installs: complete, without network, the same bytes from the same content (A7, A9)."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from emr_dr import provider_wheel
from emr_dr.provider_wheel import WheelError, build_provider_wheel, main


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_provider_wheel(tmp_path_factory.mktemp("wheel") / "new")


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_it_has_operator_hook_and_trigger(wheel: Path) -> None:
    assert {f"emr_dr_airflow/{name}.py" for name in ("operators", "hooks", "triggers")} <= names(wheel)
    assert "emr_dr_airflow/py.typed" in names(wheel)


def test_it_has_a_copy_of_the_verdict_rules(wheel: Path) -> None:
    """A11: the DAG that monitors judges by the very rules of the monitor."""
    assert any(name.endswith("dr_core/verdicts.py") for name in names(wheel))


def test_it_asks_for_what_it_imports(wheel: Path) -> None:
    (metadata,) = (name for name in names(wheel) if name.endswith(".dist-info/METADATA"))
    with zipfile.ZipFile(wheel) as archive:
        wanted = message_from_bytes(archive.read(metadata)).get_all("Requires-Dist", [])
    assert any(each.startswith("apache-airflow-providers-apache-livy") for each in wanted)
    assert any(each.startswith("apache-airflow-providers-http") for each in wanted)


def test_it_refuses_the_releases_that_are_not_supported(wheel: Path) -> None:
    (metadata,) = (name for name in names(wheel) if name.endswith(".dist-info/METADATA"))
    with zipfile.ZipFile(wheel) as archive:
        wanted = message_from_bytes(archive.read(metadata)).get_all("Requires-Dist", [])
    (airflow,) = (one for one in map(Requirement, wanted) if one.name == "apache-airflow")

    assert not any(airflow.specifier.contains(f"3.0.{patch}") for patch in range(6))
    assert all(airflow.specifier.contains(release) for release in ("2.11.0", "3.0.6", "3.1.0"))


def test_the_same_content_is_the_same_file(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A7: whatever the environment dates files by; another file would change the environment."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert build_provider_wheel(tmp_path).read_bytes() == wheel.read_bytes()


def test_what_the_build_says_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_wheel, "PROJECT", tmp_path)  # no project is there
    with pytest.raises(WheelError, match=r"(?s)cannot build the wheel of .*Missing `project`"):
        build_provider_wheel(tmp_path / "out")


def test_the_command_says_where_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 0
    assert Path(capsys.readouterr().out.strip()).is_file()


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["one", "two"]])
def test_the_command_teaches(
    arguments: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(arguments) == 2
    assert "DIRECTORY" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_nothing_of_airflow_is_needed_to_build_it() -> None:
    """Synth does it, and has no Airflow."""
    code = "import sys, emr_dr.provider_wheel; sys.exit(any(name.split('.')[0] == 'airflow' for name in sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ})
