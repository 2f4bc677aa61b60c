"""What every result file says of the machine, and how one is written."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from emr_drill import result_files


def test_the_machine_is_named_by_what_figures_depend_on() -> None:
    assert result_files.machine() == {
        "system": platform.system(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
    }


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "new" / "result.json"

    result_files.write(file, "one")
    result_files.write(file, "two")

    assert file.read_text() == "two"
    assert list(file.parent.iterdir()) == [file]


def test_what_is_there_stays_until_the_next_one_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "result.json"
    file.write_text("one")

    def interrupted(path: Path, text: str) -> int:
        path.open("w").close()
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text", interrupted)
    with pytest.raises(KeyboardInterrupt):
        result_files.write(file, "two")

    assert file.read_text() == "one"
