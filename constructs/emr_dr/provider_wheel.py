"""Builds the wheel that Airflow installs: ``python -m emr_dr.provider_wheel DIRECTORY`` writes it and says where.

It needs no network: the build backend is installed with what synth needs, and is called where it is.  The same content
gives the same bytes, so that what is uploaded changes only when the content does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2] / "provider"
# What every file in the wheel is dated: 2020-02-02, as hatchling does where nothing else is asked for.  An environment
# in which something is asked for must not change it.
_EPOCH = "1580601600"
# The hook that every build tool calls (PEP 517); the name of the file is all that it writes to standard output.
_PROGRAM = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"


class WheelError(RuntimeError):
    """The wheel could not be built."""


def build_provider_wheel(directory: Path) -> Path:
    """Build the wheel into *directory*, which is made if need be.

    Returns:
        The wheel's file.

    Raises:
        WheelError: the build backend failed; says what it wrote.
    """
    directory.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(directory.resolve())],
        cwd=PROJECT,
        env={**os.environ, "SOURCE_DATE_EPOCH": _EPOCH},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise WheelError(f"cannot build the wheel of {PROJECT}:\n{(done.stdout + done.stderr).strip()[-2000:]}")
    return directory / done.stdout.split()[-1]


def main(arguments: list[str]) -> int:
    """Build into the directory that the command line names, which is no option: nobody means a folder ``--help``."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m emr_dr.provider_wheel DIRECTORY", file=sys.stderr)
        return 2
    print(build_provider_wheel(Path(arguments[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
