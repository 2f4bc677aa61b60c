"""Which block of addresses a test of the life cycle may use."""

from __future__ import annotations

import os
import re

# Of the drills that tests run at once these tests alone are in these.
FIRST_BLOCK, LAST_BLOCK = 35, 39


def free_block() -> int:
    """One that no drill and no other test worker uses."""
    worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0")
    return FIRST_BLOCK + worker % (LAST_BLOCK - FIRST_BLOCK + 1)
