"""``emr-dr real-services``."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from emr_drill.real import install

from .conftest import Cli


def test_each_part_is_told_while_it_is_fetched(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*, say: Callable[[str], None]) -> None:
        say("fetching hadoop from Maven Central")

    monkeypatch.setattr(install, "install", fetch)

    ended = cli("real-services", "install")

    assert (ended.code, ended.out, ended.err) == (0, "", "fetching hadoop from Maven Central\n")


@pytest.mark.parametrize(("programs", "missing"), [([], "Java 11 or 17"), (["java"], "Maven")])
def test_what_the_machine_misses_is_told_with_the_remedy(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, programs: list[str], missing: str
) -> None:
    for name in programs:
        (tmp_path / name).write_text("#!/bin/sh\necho 'openjdk version \"17.0.1\"' >&2\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)

    ended = cli("real-services", "install")

    assert ended.code == 2
    assert re.match(rf"cannot run: .*{missing}.*install.*--services simulated\n$", ended.err)


def test_help_says_what_is_needed(cli: Cli) -> None:
    told = cli("real-services", "install", "--help").out

    assert all(word in told for word in ("Java 11 or 17", "Maven", "EMR_DR_LIVY_HOME"))
