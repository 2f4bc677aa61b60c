"""The layout that everything relies on: import roots, mirrored tests, what of a function is published.

Nothing of the CDK is imported at the top: where the layout is broken, this module must still be able to say so.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
IMPORT_ROOTS = ("constructs", "lambda", "cli", "drill")

# Package by the folder that holds its tests.
MIRRORS = {
    "constructs/emr_dr": "tests/constructs",
    "dags": "tests/dags",
    "stacks": "tests/stacks",
    "lambda": "tests/lambda",
    "cli/emr_dr_cli": "tests/cli",
    "drill/emr_drill": "tests/drill",
}

# Modules that have no test module of their own, and what tests them.
TESTED_ELSEWHERE: dict[str, str] = {
    "cli/emr_dr_cli/airflow_drill_command.py": "started by airflow-matrix: tests/cli/test_airflow_matrix_command.py",
    "drill/emr_drill/airflow_matrix/clients.py": "names of clients: tests/cli/test_airflow_matrix_command.py",
    "drill/emr_drill/airflow_matrix/outcomes.py": "words alone: test_verdict.py and test_bench.py use them",
    "drill/emr_drill/clients/worker.py": "a process that clients run in: tests/drill/clients/test_workers.py",
    "drill/emr_drill/clients/airflow_worker.py": "runs where Airflow is installed: tests/drill/clients/test_workers.py",
    "drill/emr_drill/clients/livy_worker.py": "runs where its client is installed: tests/drill/clients/test_workers.py",
    "drill/emr_drill/jobs/source.py": "a protocol without behaviour: the type checkers hold its two kinds to it",
    "drill/emr_drill/performance/empty_app.py": "an app: synthesized in tests/drill/performance/test_measure.py",
    "drill/emr_drill/performance/one_strategy.py": "an app: synthesized in tests/drill/performance/test_measure.py",
    "drill/emr_drill/performance/scene.py": "functions look at it in tests/drill/performance/test_function_side.py",
    "drill/emr_drill/errors.py": "the name of one exception alone: tested where it is raised and caught",
    "drill/emr_drill/ports.py": "protocols and values without behaviour: the type checkers hold both factories to them",
    "drill/emr_drill/stand_in/running_stack.py": "a stack with a run: test_cloudformation.py, test_stack_update.py",
    "drill/emr_drill/stand_in/stack_resources.py": "what both runs do: test_stack_run.py, test_stack_update.py",
    "stacks/strategy.py": "values without behaviour: tests/stacks/test_deployment.py deploys with them",
    "lambda/failover/errors.py": "names of exceptions alone: tested where each of them is raised and caught",
}

# Handlers of each function's package, as the stacks name them.
HANDLERS = {
    "failover": (
        "failover.handler",
        "failover.control",
        "failover.custom_resource",
        "failover.execution_ended",
        "failover.reconcile",
        "failover.standby",
    ),
    "airflow_files": ("airflow_files.handler",),
    "emr_leftovers": ("emr_leftovers.handler",),
    "monitor": ("monitor.handler",),
    "prober": ("prober.handler",),
}


def packages() -> list[Path]:
    """Every top-level package of the repository."""
    found = [path.parent for root in IMPORT_ROOTS for path in (REPOSITORY / root).glob("*/__init__.py")]
    return [*found, REPOSITORY / "stacks"]


def modules() -> list[Path]:
    """Every module that is not the ``__init__`` of its package, relative to the repository."""
    return sorted(
        path.relative_to(REPOSITORY)
        for root in MIRRORS
        for path in (REPOSITORY / root).rglob("*.py")
        if path.name not in ("__init__.py", "__main__.py")
    )


def mirror(module: Path) -> Path:
    """Where the tests of *module* belong."""
    source = max((root for root in MIRRORS if module.is_relative_to(root)), key=len)
    inside = module.relative_to(source)
    return Path(MIRRORS[source]) / inside.parent / f"test_{inside.name}"


@pytest.mark.parametrize("root", IMPORT_ROOTS)
def test_an_import_root_is_no_package(root: str) -> None:
    """``constructs/__init__.py`` would hide the library ``constructs``; ``lambda`` can be no module's name."""
    assert not (REPOSITORY / root / "__init__.py").exists()


def test_constructs_is_the_library() -> None:
    spec = importlib.util.find_spec("constructs")

    assert spec is not None and spec.origin is not None
    assert "site-packages" in spec.origin


def test_every_package_is_the_repositorys_own() -> None:
    """Import roots come after site-packages: an installed package of the same name would win."""
    origins = {package: importlib.util.find_spec(package.name) for package in packages()}

    assert len(origins) >= 7
    assert [
        package.name for package, spec in origins.items() if spec is None or spec.origin != str(package / "__init__.py")
    ] == []


def test_every_package_says_that_it_has_types() -> None:
    assert [package.name for package in packages() if not (package / "py.typed").exists()] == []


def test_every_test_folder_is_a_package() -> None:
    """Without, ``tests/constructs`` becomes ``constructs`` and hides the library."""
    folders = {path.parent for path in (REPOSITORY / "tests").rglob("*.py")}

    assert (
        sorted(str(folder.relative_to(REPOSITORY)) for folder in folders if not (folder / "__init__.py").exists()) == []
    )


def test_every_module_has_its_tests_in_the_mirrored_place() -> None:
    missing = [
        f"{module}: no {mirror(module)}"
        for module in modules()
        if str(module) not in TESTED_ELSEWHERE and not (REPOSITORY / mirror(module)).is_file()
    ]

    assert missing == []


def test_no_exception_outlives_its_need() -> None:
    needless = [
        module
        for module in TESTED_ELSEWHERE
        if not (REPOSITORY / module).is_file() or (REPOSITORY / mirror(Path(module))).is_file()
    ]

    assert needless == []


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The published folder of each function's package."""
    from aws_cdk import App, Stack
    from aws_cdk import aws_lambda as lambda_

    from emr_dr.assets import function_code

    found: dict[str, Path] = {}
    for package in HANDLERS:
        app = App(outdir=str(tmp_path_factory.mktemp(package)), auto_synth=False)
        lambda_.Function(
            Stack(app, "Stack"),
            "Function",
            code=function_code(package),
            handler=f"{package}.handler.handler",
            runtime=lambda_.Runtime.PYTHON_3_14,
        )
        (found[package],) = Path(app.synth().directory).glob("asset.*")
    return found


@pytest.mark.parametrize("package", HANDLERS)
def test_a_function_is_published_with_the_core_and_nothing_else(staged: dict[str, Path], package: str) -> None:
    """No tests, no caches, no third-party code."""
    folder = staged[package]

    assert sorted(path.name for path in folder.iterdir()) == sorted([package, "dr_core"])
    assert [str(path) for path in folder.rglob("*") if path.is_file() and path.suffix != ".py"] == []
    assert [str(path) for path in folder.rglob("test*")] == []


@pytest.mark.parametrize(("package", "handler"), [(name, each) for name, found in HANDLERS.items() for each in found])
def test_a_published_function_is_complete(staged: dict[str, Path], package: str, handler: str) -> None:
    """It imports with what Lambda has: the SDK and the public Powertools layer."""
    runtime = REPOSITORY / "build" / "function-runtime"
    assert (runtime / "boto3").is_dir(), "build/function-runtime is missing: run make setup"
    path = [str(staged[package]), str(runtime)]
    program = f"import sys; sys.path[:0] = {path!r}; import {handler} as module; module.handler"

    run = subprocess.run(
        [sys.executable, "-B", "-I", "-S", "-c", program],  # it leaves nothing in what others look at
        env={"PATH": os.defpath, "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
