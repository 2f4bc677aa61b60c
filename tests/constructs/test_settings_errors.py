"""How problems read."""

from __future__ import annotations

from emr_dr.settings import Settings
from emr_dr.settings_errors import Problem, SettingsError, section_at

PROBLEM = Problem(key="name", got="X", allowed="small letters", remedy="write x")


def test_a_problem_says_key_value_what_is_allowed_and_what_to_do() -> None:
    assert str(PROBLEM) == "name: got 'X'\n    allowed: small letters\n    remedy: write x"


def test_an_error_says_where_the_settings_come_from() -> None:
    assert str(SettingsError([PROBLEM], source="emr-dr.yaml")).startswith("emr-dr.yaml: one wrong setting\n")


def test_an_error_counts_its_problems() -> None:
    assert "2 wrong settings" in str(SettingsError([PROBLEM, PROBLEM]))


def test_a_section_is_found_by_its_key() -> None:
    section = section_at(Settings, ("cluster",))

    assert section is not None
    assert "release_label" in section.model_fields


def test_a_value_is_no_section() -> None:
    assert section_at(Settings, ("name",)) is None
