"""Where a drill keeps its files, and where the words of libraries go."""

from __future__ import annotations

import logging
import shutil
import warnings
from pathlib import Path

import pytest

from emr_drill.errors import DrillError
from emr_drill.workplace import logging_to, make_workdir


def test_a_drill_that_nobody_gave_a_directory_makes_one() -> None:
    made = make_workdir(None)

    assert made.is_dir()
    shutil.rmtree(made)


def test_a_directory_that_somebody_names_is_made(tmp_path: Path) -> None:
    assert make_workdir(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()


def test_a_directory_with_files_of_another_drill_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").touch()

    with pytest.raises(DrillError, match="is not empty: name an empty or a new one"):
        make_workdir(tmp_path)


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DrillError, match="as the working directory"):
        make_workdir(tmp_path / "file" / "work")


def test_warnings_of_libraries_go_to_the_file_for_as_long_as_the_drill_runs(tmp_path: Path) -> None:
    root = logging.getLogger()
    before, shows = root.handlers[:], warnings.showwarning

    with logging_to(tmp_path / "log"):
        logging.getLogger("some.library").warning("a warning")
        logging.getLogger("some.library").info("chatter")

    assert "some.library WARNING a warning" in (tmp_path / "log").read_text()
    assert "chatter" not in (tmp_path / "log").read_text()
    assert (root.handlers, warnings.showwarning) == (before, shows)
