"""What flows ask for and are sent."""

from __future__ import annotations

from emr_dr_airflow.decisions.wire import Answer, Limits


def test_pauses_grow_to_a_limit() -> None:
    limits = Limits(again_seconds=2, longest_again_seconds=30)

    assert [limits.pause(times).seconds for times in (0, 1, 2, 3, 4, 1000)] == [2, 4, 8, 16, 30, 30]


def test_an_answer_in_a_few_words() -> None:
    assert Answer(at=0, status=502, text="x" * 1000).summary == "502: " + "x" * 300
    assert Answer(at=0, text="timed out").summary == "no answer: timed out"
    assert Answer(at=0).summary == "no answer"
