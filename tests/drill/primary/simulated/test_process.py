"""A service's process ends with the drill that holds its standard input."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import emr_drill
from emr_drill.primary.simulated.configuration import Configuration


def test_the_end_of_standard_input_ends_the_process(configuration: Configuration) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "emr_drill.primary.simulated.name_node", configuration.to_json()],
        input=b"",
        env={**os.environ, "PYTHONPATH": str(Path(emr_drill.__file__).parents[1])},
        timeout=60,
        check=False,
    )

    assert done.returncode == 0
