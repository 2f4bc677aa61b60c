"""Where the functions and scripts lie that the stacks publish, and what of them is published."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from aws_cdk import IgnoreMode
from aws_cdk import aws_lambda as lambda_

_CONSTRUCTS = Path(__file__).resolve().parent
FUNCTIONS_FOLDER = _CONSTRUCTS.parents[1] / "lambda"
SEED_SCRIPT = _CONSTRUCTS / "scripts" / "seed-livy.sh"
RESTART_SCRIPT = _CONSTRUCTS / "scripts" / "restart-livy.sh"
CANARY_SCRIPT = _CONSTRUCTS / "scripts" / "install-canary.sh"


AUTHORITY_FILE = "authority.pem"
"""Where a function's package holds the authorities that it trusts (``prober.trust``)."""


def function_code(package: str, *, authority: Path | None = None) -> lambda_.Code:
    """Stage one function's package and the shared core, and nothing else: no tests, no caches, no other function.

    What is staged decides the asset's hash, so that a change to one function deploys that function alone.

    Args:
        package: a package of ``lambda/``.
        authority: PEM file that the package gets as ``authority.pem``: no right and no network is needed to read it.

    Raises:
        ValueError: there is no such package.
    """
    if not (FUNCTIONS_FOLDER / package).is_dir():
        found = sorted(folder.name for folder in FUNCTIONS_FOLDER.iterdir() if folder.is_dir())
        raise ValueError(f"no function package {package!r} in {FUNCTIONS_FOLDER}, allowed: {', '.join(found)}")
    folder = FUNCTIONS_FOLDER if authority is None else _with_authority(package, authority)
    return lambda_.Code.from_asset(
        str(folder),
        # As in .dockerignore: everything is out, then two packages are in, then parts of these are out again.
        ignore_mode=IgnoreMode.DOCKER,
        exclude=["*", f"!{package}", "!dr_core", "**/__pycache__", "**/*.pyc", "**/.*", "**/py.typed"],
    )


def _with_authority(package: str, authority: Path) -> Path:
    """A folder like that of the functions with *authority* in *package*; gone when the app has ended."""
    folder = Path(tempfile.mkdtemp(prefix="emr-dr-function-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in (package, "dr_core"):
        shutil.copytree(FUNCTIONS_FOLDER / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    shutil.copyfile(authority, folder / package / AUTHORITY_FILE)
    return folder
