"""What every part of the settings refuses."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from emr_dr.settings_section import Section


class Part(Section):
    size: int = 1


@pytest.mark.parametrize("values", [{"sice": 1}, {"size": "1"}])
def test_unknown_keys_and_values_of_another_type_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Part.model_validate(values)


def test_a_part_does_not_change() -> None:
    with pytest.raises(ValidationError):
        Part().size = 2
