"""Plain Airflow for the Pythons that MWAA's releases have, each in an environment of its own.

The pins were resolved for Python 3.11, where drills run (:mod:`emr_drill.clients.environments`); all of them can be had
for 3.12, too, which MWAA has.  That environment is made once, and only where such a Python is.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from emr_drill.clients import environments
from emr_drill.clients.kinds import KINDS

OLDER, NEWER = "3.11", "3.12"
HOME = environments.HOME / f"python{NEWER}"


def interpreter(version: str) -> Path | None:
    """A Python of that version on the path or among pyenv's, ``None`` if there is none that runs."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    on_path = shutil.which(f"python{version}")
    found = [Path(on_path)] if on_path else []
    # What pyenv puts on the path runs only where the version was chosen.
    found += sorted(root.glob(f"versions/{version}.*/bin/python{version}"))
    return next((each for each in found if _runs(each)), None)


def _runs(python: Path) -> bool:
    return subprocess.run([str(python), "-c", "import venv"], capture_output=True, check=False).returncode == 0


def airflow(release: str, python: str) -> Path | None:
    """The interpreter of an environment with a release of Airflow, made if need be; ``None`` without such a Python.

    Args:
        release: of Airflow.
        python: :data:`OLDER` or :data:`NEWER`.
    """
    if python == OLDER:
        environments.install([kind for kind in KINDS if kind.version == release], say=print)
        return environments.python(f"airflow-{release}")
    found = interpreter(python)
    return None if found is None else _newer(release, found)


def _newer(release: str, found: Path) -> Path:
    name = f"airflow-{release}"
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        environments.make(HOME / name, name, interpreter=lambda: str(found), say=print)
    return HOME / name / "bin" / "python"
