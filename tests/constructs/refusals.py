"""What tests of the settings ask: how values are refused."""

from __future__ import annotations

from typing import Any

import pytest

from emr_dr.settings import Settings
from emr_dr.settings_errors import SettingsError


def refused(values: dict[str, Any]) -> str:
    """What is said about *values*, which must not be accepted."""
    with pytest.raises(SettingsError) as caught:
        Settings.parse(values)
    return str(caught.value)
