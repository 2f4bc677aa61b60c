"""The schedule that starts the script once a minute."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from emr_drill.baseline.script import Replacement, Script, ScriptError, Seen
from emr_drill.clock import Clock
from emr_drill.timing import Event, Timing

PERIOD_SECONDS = 60.0
SUBJECT = "baseline script"


class Stopped(Exception):
    """The drill is over while the script waits."""


@dataclass(slots=True, kw_only=True)
class Runs:
    """What runs of the script did; times are simulated seconds since 1970.

    Attributes:
        well_at: when the last run began, if it saw every service well; else ``None``.
        next_at: when the next run begins.
        replacements: what was done, oldest first.
        failures: why runs ended early, a sentence each.
        acting: whether a run replaces a cluster now.
    """

    well_at: float | None = None
    next_at: float = 0.0
    replacements: list[Replacement] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    acting: bool = False


class Schedule:
    """Starts a run each minute, if the last one is over (the kindest reading: the recipe has no lock).

    Args:
        clock: simulated time.
        timing: how late the schedule is.
        make: makes the script; gets how it sleeps and how it says what it does.
        say: gets a line for each thing that the script does.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        timing: Timing,
        make: Callable[[Callable[[float], None], Callable[[str], None]], Script],
        say: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._timing = timing
        self._say = say
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, name=SUBJECT, daemon=True)
        self._script = make(self._sleep, self._act)
        self._failure: Exception | None = None
        self.runs = Runs()

    def start(self) -> None:
        """Begin; the first run is due in a minute."""
        self._thread.start()

    def stop(self) -> None:
        """End, also a run that waits.

        Raises:
            Exception: what broke the schedule itself; nothing after that can be believed.
        """
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=60)
        if self._failure is not None:
            raise self._failure

    def _live(self) -> None:
        due = self._clock.now()
        try:
            while True:
                # A minute that passed while the script ran is skipped, not made up for.
                due += PERIOD_SECONDS * max(1, -(-(self._clock.now() - due) // PERIOD_SECONDS))
                self.runs.next_at = due + self._timing.draw(Event.SCHEDULE_DELAY, SUBJECT)
                self._sleep(self.runs.next_at - self._clock.now())
                self._run()
        except Stopped:
            return
        except Exception as error:  # noqa: BLE001 - told when the drill stops the schedule
            self._failure = error

    def _run(self) -> None:
        began = self._clock.now()
        well = False
        try:
            done = self._script.run()
        except (ScriptError, ClientError, BotoCoreError) as error:
            self.runs.failures.append(str(error))
            self._say(f"the script's run ended early: {error}")
        else:
            well = done is Seen.WELL
            if isinstance(done, Replacement):
                self.runs.replacements.append(done)
        self.runs.well_at = began if well else None
        self.runs.acting = False

    def _act(self, text: str) -> None:
        self.runs.acting = True
        self._say(text)

    def _sleep(self, seconds: float) -> None:
        if self._clock.wait(self._stop, seconds):
            raise Stopped
