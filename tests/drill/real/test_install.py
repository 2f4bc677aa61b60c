"""Fetching real services, and saying what is missing.  Nothing is fetched here."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from emr_drill.errors import DrillError
from emr_drill.real import install


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository without services, and a machine whose only programs are those of ``bin``."""
    built = tmp_path / "build" / "real"
    monkeypatch.setattr(install, "REPOSITORY", tmp_path)
    monkeypatch.setattr(install, "HOME", built)
    monkeypatch.setattr(install, "HADOOP_JARS", built / "hadoop" / "lib")
    monkeypatch.setattr(install, "HADOOP_WEB", built / "hadoop" / "web")
    monkeypatch.setattr(install, "SPARK", built / "spark")
    monkeypatch.setattr(install, "SPARK_HOME", built / "spark" / "pyspark")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.delenv(install.LIVY_VARIABLE, raising=False)
    return tmp_path


def program(folder: Path, name: str, body: str) -> Path:
    file = folder / "bin" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return file


def java(folder: Path, version: str = "17.0.15") -> Path:
    return program(folder, "java", f"echo 'openjdk version \"{version}\" 2025-04-15' >&2")


def installed() -> None:
    for path in (install.HADOOP_JARS, install.HOME / "livy" / "lib", install.SPARK_HOME):
        path.mkdir(parents=True)


def test_no_java_names_the_remedy(home: Path) -> None:
    installed()

    with pytest.raises(DrillError, match=r"need Java 11 or 17: install a JDK .* or use --services simulated"):
        install.check()


def test_java_home_comes_before_the_path(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java(home)
    other = java(home / "other")
    monkeypatch.setenv("JAVA_HOME", str(home / "other"))

    assert install.java() == str(other)


def test_a_java_home_without_java_is_passed_over(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = java(home)
    monkeypatch.setenv("JAVA_HOME", str(home / "nothing"))

    assert install.java() == str(found)


@pytest.mark.parametrize("version", ["11.0.2", "17.0.15", "21", "11"])
def test_new_enough_java_passes(home: Path, version: str) -> None:
    java(home, version)

    install.check_java()


@pytest.mark.parametrize("version", ["1.8.0_292", "1.7.0", "9", "10.0.1"])
def test_old_java_is_refused_with_what_it_says(home: Path, version: str) -> None:
    java(home, version)

    with pytest.raises(DrillError, match=rf'need Java 11 or 17, but .*/java says: openjdk version "{version}"'):
        install.check_java()


@pytest.mark.parametrize("body", ["echo 'Unable to locate a Java Runtime.' >&2; exit 1", "exit 0"])
def test_a_java_that_is_none_is_refused(home: Path, body: str) -> None:
    """macOS has one that only says where to get Java."""
    program(home, "java", body)

    with pytest.raises(DrillError, match="need Java 11 or 17, but"):
        install.check_java()


def test_a_java_that_cannot_run_is_refused(home: Path) -> None:
    java(home).write_text("#!/no/such/interpreter\n")

    with pytest.raises(DrillError, match="need Java 11 or 17, but"):
        install.check_java()


def test_missing_services_are_named_with_the_command_that_fetches_them(home: Path) -> None:
    java(home)
    install.HADOOP_JARS.mkdir(parents=True)

    with pytest.raises(DrillError) as refused:
        install.check()

    assert "build/real/livy/lib, build/real/spark/pyspark missing" in str(refused.value)
    assert "emr-dr real-services install" in str(refused.value)


def test_installed_services_pass(home: Path) -> None:
    java(home)
    installed()

    install.check()


@pytest.mark.parametrize("folder", ["jars", "lib", "."])
def test_another_livy_is_found_where_its_builds_have_their_jars(
    home: Path, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    jars = home / "livy" / folder
    jars.mkdir(parents=True)
    (jars / "livy-server-0.9.0.jar").touch()
    monkeypatch.setenv(install.LIVY_VARIABLE, str(home / "livy"))

    assert install.livy_jars() == jars


def test_another_livy_is_found_from_any_directory(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Services do not run in the directory that the variable was meant for."""
    (home / "livy").mkdir()
    (home / "livy" / "livy-server-0.9.0.jar").touch()
    monkeypatch.chdir(home)
    monkeypatch.setenv(install.LIVY_VARIABLE, "livy")

    assert install.livy_jars() == home / "livy"


def test_a_directory_that_is_no_livy_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java(home)
    installed()
    monkeypatch.setenv(install.LIVY_VARIABLE, str(home))

    with pytest.raises(DrillError, match=re.escape(f"EMR_DR_LIVY_HOME={home} has no livy-server-*.jar")):
        install.check()


# What Maven does with these arguments: put a jar where it was told.
MAVEN = """for word in "$@"; do case "$word" in -DoutputDirectory=*) folder="${word#*=}";; esac; done
/bin/mkdir -p "$folder"; echo jar > "$folder/some.jar"; echo "$@" >> "${0%/*}/maven.log"
"""
PIP = """for word in "$@"; do [ "$last" = --target ] && folder="$word"; last="$word"; done
/bin/mkdir -p "$folder/pyspark/jars"
"""


@pytest.fixture
def machine(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with Java, and programs that look like Maven and pip."""
    java(home)
    program(home, "mvn", MAVEN)
    monkeypatch.setattr(sys, "executable", str(program(home, "python", PIP)))
    return home


def test_everything_is_fetched_once(machine: Path) -> None:
    said: list[str] = []
    install.install(say=said.append)
    install.check()
    install.install(say=said.append)

    assert said == [
        "fetching hadoop from Maven Central",
        "fetching livy from Maven Central",
        "fetching Spark from PyPI",
    ]


def test_daemons_get_the_folders_that_they_refuse_to_start_without(machine: Path) -> None:
    install.install(say=lambda text: None)

    assert sorted(path.name for path in (install.HADOOP_WEB / "webapps").iterdir()) == sorted(install.WEB_APPLICATIONS)


def test_versions_are_those_of_the_pom_files(machine: Path) -> None:
    install.install(say=lambda text: None)
    calls = (machine / "bin" / "maven.log").read_text().splitlines()

    assert [re.search(r"-f \S+/pom/(\w+)\.xml", call)[1] for call in calls] == ["hadoop", "livy"]  # type: ignore[index]
    assert all(Path(str(install.POMS / f"{name}.xml")).is_file() for name in ("hadoop", "livy"))


def test_no_maven_names_the_remedy(home: Path) -> None:
    java(home)

    with pytest.raises(DrillError, match=r"fetched with Maven: install it \(`mvn`\), or use --services simulated"):
        install.install(say=lambda text: None)


def test_no_java_is_told_before_anything_is_fetched(home: Path) -> None:
    program(home, "mvn", MAVEN)

    with pytest.raises(DrillError, match="need Java 11 or 17"):
        install.install(say=lambda text: None)


def test_a_failed_download_is_told_and_not_taken_for_a_whole_one(machine: Path) -> None:
    program(machine, "mvn", MAVEN + "echo 'Could not resolve dependencies'; exit 1")

    with pytest.raises(DrillError, match=r"Maven could not fetch hadoop \(exit code 1\):\nCould not resolve"):
        install.install(say=lambda text: None)
    assert not install.HADOOP_JARS.exists()

    program(machine, "mvn", MAVEN)
    install.install(say=lambda text: None)
    assert [path.name for path in install.HADOOP_JARS.iterdir()] == ["some.jar"]
