"""The releases of Airflow that tests run: one in `make test`, each in `make test-long`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.provider.airflows import VERSIONS

EACH: list[Any] = [VERSIONS[0], *(pytest.param(version, marks=pytest.mark.long) for version in VERSIONS[1:])]
EACH_VERSION = pytest.mark.parametrize("version", EACH)
