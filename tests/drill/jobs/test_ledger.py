"""The file of what jobs really did."""

from __future__ import annotations

from pathlib import Path

import pytest

from emr_drill.jobs.ledger import Entry, read

LINE = '{"job": "k", "incarnation": "c", "application": "a", "at": 1.5, "event": "effect", "count": 3}\n'


def test_no_file_means_that_nothing_ended(tmp_path: Path) -> None:
    assert read(tmp_path / "ledger.jsonl") == []


def test_lines_become_entries_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text(LINE + LINE.replace('"k"', '"l"'))

    assert [entry.job for entry in read(path)] == ["k", "l"]
    assert read(path)[0] == Entry(job="k", incarnation="c", application="a", at=1.5, event="effect")


def test_a_torn_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text(LINE + '{"job": "k"')

    with pytest.raises(ValueError, match="line 2"):
        read(path)
