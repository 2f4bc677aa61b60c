"""Installs the clients that nobody here wrote, each in a virtual environment of its own below ``build/clients``.

Everything is pinned: ``requirements-airflow-*.txt`` and ``requirements-python-livy.txt`` name every package for Python
3.11, Airflow's as they were when each release came out; with the newest of everything its tasks fail.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path

from emr_drill.clients.kinds import Kind, Program
from emr_drill.errors import DrillError
from emr_drill.preflight import REPOSITORY

HOME = REPOSITORY / "build" / "clients"
INSTALLED = ".installed"  # has the digest of what was installed
# What the pins were resolved for.
PYTHON = (3, 11)
INTERPRETER = "python3.11"


def environment(kind: Kind) -> str:
    """Name of the environment that *kind* needs; empty for none."""
    match kind.program:
        case Program.AIRFLOW:
            return f"airflow-{kind.version}"
        case Program.PYTHON:
            return "python-livy"
        case Program.CURL:
            return ""


def python(name: str) -> Path:
    """The interpreter of an environment."""
    return HOME / name / "bin" / "python"


def requirements(name: str) -> Path:
    """The pins of an environment."""
    return REPOSITORY / f"requirements-{name}.txt"


def check(kinds: Iterable[Kind]) -> None:
    """Everything that *kinds* need is there.

    Raises:
        DrillError: something is not; says how to get it.
    """
    kinds = tuple(kinds)
    if any(kind.program is Program.CURL for kind in kinds) and not (shutil.which("curl") and shutil.which("bash")):
        raise DrillError("one of the clients is curl in a shell script: install curl and bash, and try again")
    missing = [name for name in _names(kinds) if not _is_installed(HOME / name, name)]
    if missing:
        raise DrillError(
            f"clients are not installed, or in another version ({', '.join(missing)}): run `emr-dr clients install`, "
            "which fetches them once"
        )


def install(kinds: Iterable[Kind], *, say: Callable[[str], None]) -> None:
    """Fetch what is missing from PyPI; about 550 MB on disk, some three minutes.

    Args:
        kinds: whose environments.
        say: gets a sentence for each.

    Raises:
        DrillError: there is no Python 3.11, or a download failed.
    """
    for name in _names(tuple(kinds)):
        make(HOME / name, name, interpreter=_interpreter, say=say)


def make(home: Path, name: str, *, interpreter: Callable[[], str], say: Callable[[str], None]) -> None:
    """Make the environment *name* in the folder *home*, unless it is there.

    Args:
        home: its folder.
        name: whose pins it has.
        interpreter: the Python that it is for; asked only if there is something to make.
        say: gets a sentence.

    Raises:
        DrillError: a download failed.
    """
    if _is_installed(home, name):
        return
    say(f"installing {name} into {home}")
    shutil.rmtree(home, ignore_errors=True)
    _run([interpreter(), "-m", "venv", str(home)], f"cannot make the environment {name}")
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--requirement", str(requirements(name))], f"pip could not fetch {name}")
    (home / INSTALLED).write_text(_digest(name))


def _names(kinds: Iterable[Kind]) -> list[str]:
    return [name for name in dict.fromkeys(environment(kind) for kind in kinds) if name]


def _is_installed(home: Path, name: str) -> bool:
    mark = home / INSTALLED
    return mark.is_file() and mark.read_text() == _digest(name)


def _digest(name: str) -> str:
    return sha256(requirements(name).read_bytes()).hexdigest()


def _interpreter() -> str:
    if sys.version_info[:2] == PYTHON:
        return sys.executable
    found = shutil.which(INTERPRETER)
    if found is None:
        raise DrillError(
            f"the clients' pins are for Python 3.11: install it so that {INTERPRETER} is found (this is "
            f"{sys.version.split()[0]})"
        )
    return found


def _run(command: list[str], failure: str) -> None:
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DrillError(f"{failure} (exit code {done.returncode}):\n{(done.stdout + done.stderr).strip()[-2000:]}")
