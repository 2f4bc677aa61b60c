"""Where the functions and scripts lie that the stacks publish, and what of them is published."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import IgnoreMode
from aws_cdk import aws_lambda as lambda_

_CONSTRUCTS = Path(__file__).resolve().parent
FUNCTIONS_FOLDER = _CONSTRUCTS.parents[1] / "lambda"
SEED_SCRIPT = _CONSTRUCTS / "scripts" / "seed-livy.sh"
RESTART_SCRIPT = _CONSTRUCTS / "scripts" / "restart-livy.sh"
CANARY_SCRIPT = _CONSTRUCTS / "scripts" / "install-canary.sh"


def function_code(package: str) -> lambda_.Code:
    """Stage one function's package and the shared core, and nothing else: no tests, no caches, no other function.

    What is staged decides the asset's hash, so that a change to one function deploys that function alone.

    Args:
        package: a package of ``lambda/``.

    Raises:
        ValueError: there is no such package.
    """
    if not (FUNCTIONS_FOLDER / package).is_dir():
        found = sorted(folder.name for folder in FUNCTIONS_FOLDER.iterdir() if folder.is_dir())
        raise ValueError(f"no function package {package!r} in {FUNCTIONS_FOLDER}, allowed: {', '.join(found)}")
    return lambda_.Code.from_asset(
        str(FUNCTIONS_FOLDER),
        # As in .dockerignore: everything is out, then two packages are in, then parts of these are out again.
        ignore_mode=IgnoreMode.DOCKER,
        exclude=["*", f"!{package}", "!dr_core", "**/__pycache__", "**/*.pyc", "**/.*", "**/py.typed"],
    )
