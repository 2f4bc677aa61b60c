"""What may become of one run."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """What became of a run.

    Attributes:
        RIGHT: the job's effect is there once and the task says success; of a task that was killed: no effect, and it
            says failed.
        LOST_AND_SAID: no effect, and the task says failed: somebody has to run the job again, and knows.
        DISTURBED: the effect is there once, and the task says failed: whoever runs the job again doubles it.
        DOUBLED: the effect is there more than once.
        WRONG: the task says success and the effect is not there, or was not when it said so; or it was killed, and its
            job did its work.
        SILENT: the task never said anything.
    """

    RIGHT = "right"
    LOST_AND_SAID = "lost and said"
    DISTURBED = "disturbed"
    DOUBLED = "doubled"
    WRONG = "wrong"
    SILENT = "silent"
