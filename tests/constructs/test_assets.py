"""What of the functions is published."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_

from emr_dr import assets
from emr_dr.assets import CANARY_SCRIPT, RESTART_SCRIPT, SEED_SCRIPT, function_code

from ..synthesis import new_app


def stage(folder: Path, package: str) -> Path:
    """The staged asset of one function."""
    app = new_app(folder)
    lambda_.Function(
        Stack(app, "Stack"),
        "Function",
        code=function_code(package),
        handler="x.handler",
        runtime=lambda_.Runtime.PYTHON_3_14,
    )
    app.synth()
    (staged,) = folder.glob("asset.*")
    return staged


def tree(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


@pytest.fixture
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like ``lambda/`` with all that must not be published."""
    folder = tmp_path / "lambda"
    tree(
        folder,
        {
            "dr_core/__init__.py": "",
            "dr_core/rules.py": "RULE = 1\n",
            "dr_core/py.typed": "",
            "dr_core/__pycache__/rules.cpython-311.pyc": "x",
            "prober/__init__.py": "",
            "prober/look/__init__.py": "",
            "prober/look/__pycache__/look.cpython-311.pyc": "x",
            "prober/.mypy_cache/3.11/cache.json": "{}",
            "monitor/__init__.py": "",
        },
    )
    monkeypatch.setattr(assets, "FUNCTIONS_FOLDER", folder)
    return folder


def published(staged: Path) -> set[str]:
    return {str(path.relative_to(staged)) for path in staged.rglob("*") if path.is_file()}


def test_one_function_and_the_core_are_published(functions: Path, tmp_path: Path) -> None:
    assert published(stage(tmp_path / "out", "prober")) == {
        "dr_core/__init__.py",
        "dr_core/rules.py",
        "prober/__init__.py",
        "prober/look/__init__.py",
    }


def test_a_change_to_another_function_changes_nothing(functions: Path, tmp_path: Path) -> None:
    before = stage(tmp_path / "before", "prober").name
    (functions / "monitor" / "rounds.py").write_text("", encoding="utf-8")

    assert stage(tmp_path / "after", "prober").name == before


def test_caches_change_nothing(functions: Path, tmp_path: Path) -> None:
    before = stage(tmp_path / "before", "prober").name
    (functions / "prober" / "__pycache__").mkdir()
    (functions / "prober" / "__pycache__" / "x.cpython-311.pyc").write_text("", encoding="utf-8")

    assert stage(tmp_path / "after", "prober").name == before


def test_a_change_to_the_core_changes_every_function(functions: Path, tmp_path: Path) -> None:
    before = {stage(tmp_path / f"before-{name}", name).name for name in ("prober", "monitor")}
    (functions / "dr_core" / "rules.py").write_text("RULE = 2\n", encoding="utf-8")

    assert before.isdisjoint(stage(tmp_path / f"after-{name}", name).name for name in ("prober", "monitor"))


def test_an_unknown_package_is_refused_with_those_that_exist(functions: Path) -> None:
    with pytest.raises(ValueError, match=r"no function package 'probe' .* allowed: dr_core, monitor, prober"):
        function_code("probe")


@pytest.mark.parametrize("script", [SEED_SCRIPT, RESTART_SCRIPT, CANARY_SCRIPT])
def test_a_script_can_be_run(script: Path) -> None:
    assert os.access(script, os.X_OK)
