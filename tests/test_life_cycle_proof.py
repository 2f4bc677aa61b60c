"""What is written down of the life cycle's tests."""

from __future__ import annotations

from .life_cycle_proof import Held, page, read

REPORT = """<testsuites><testsuite>
<testcase classname="c" name="test_b" time="12.34"/>
<testcase classname="c" name="test_a" time="0.5"><failure message="assert 1 == 2&#10;more">...</failure></testcase>
<testcase classname="c" name="test_c" time="0"><skipped message="takes minutes"/></testcase>
<testcase classname="c" name="test_d" time="1"><error message="broken">...</error></testcase>
</testsuite></testsuites>"""


def test_only_what_ran_to_a_good_end_held() -> None:
    """B13: one that was not run, or that could not begin, shows nothing."""
    assert read(REPORT) == [
        Held(name="test_a", seconds=0.5, outcome="failed", why="assert 1 == 2"),
        Held(name="test_b", seconds=12.3, outcome="held", why=""),
        Held(name="test_c", seconds=0.0, outcome="not run", why="takes minutes"),
        Held(name="test_d", seconds=1.0, outcome="failed", why="broken"),
    ]


def test_the_page_counts_what_held() -> None:
    text = page(read(REPORT), commit="0123456789", measured="2026-01-01")

    assert "commit `0123456789`, measured 2026-01-01; 1 of 4 held" in text
    assert "| b | held | 12 |" in text
