"""A service's process ends with the drill that holds its standard input."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import emr_drill
from emr_drill.primary.simulated.configuration import Configuration
from emr_drill.primary.simulated.process import slow_file, slowness


def test_the_end_of_standard_input_ends_the_process(configuration: Configuration) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "emr_drill.primary.simulated.name_node", configuration.to_json()],
        input=b"",
        env={**os.environ, "PYTHONPATH": str(Path(emr_drill.__file__).parents[1])},
        timeout=60,
        check=False,
    )

    assert done.returncode == 0


def test_a_service_is_as_slow_as_the_drill_says_at_the_moment(configuration: Configuration) -> None:
    late = slowness(configuration)
    Path(configuration.directory).mkdir(parents=True, exist_ok=True)
    assert late() == 0

    slow_file(configuration.directory).write_text("1.5")

    assert late() == 1.5
