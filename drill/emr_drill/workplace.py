"""Where a drill keeps its files, and where the words of libraries go."""

from __future__ import annotations

import contextlib
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from emr_drill.errors import DrillError

LOG_FILE = "stand-in.log"


def make_workdir(asked: Path | None) -> Path:
    """The directory of a drill: *asked*, made if need be, or a fresh temporary one.

    Raises:
        DrillError: it cannot be used, or is not empty.
    """
    if asked is None:
        return Path(tempfile.mkdtemp(prefix="emr-dr-drill-"))
    try:
        asked.mkdir(parents=True, exist_ok=True)
        empty = not any(asked.iterdir())
    except OSError as error:
        raise DrillError(f"cannot use {asked} as the working directory: {error.strerror}; name another one") from error
    if not empty:  # an earlier drill's ledger would be taken for this one's
        raise DrillError(f"the working directory {asked} is not empty: name an empty or a new one")
    return asked.absolute()


@dataclass(slots=True, kw_only=True)
class Workplace:
    """Where one drill keeps its files.

    Attributes:
        folder: absolute.
        needed: whether somebody may want to look at them; a drill that came to a good end says no.
    """

    folder: Path
    needed: bool = True


@contextlib.contextmanager
def workplace(asked: Path | None, *, tell: Callable[[Path], None]) -> Iterator[Workplace]:
    """A place for a drill's files, where its libraries log; files that nobody needs or asked for go at the end.

    Args:
        asked: the directory that somebody asked for, see :func:`make_workdir`.
        tell: gets the directory if it stays.

    Raises:
        DrillError: the directory cannot be used, or is not empty.
    """
    place = Workplace(folder=make_workdir(asked))
    try:
        with logging_to(place.folder / LOG_FILE):
            yield place
    finally:
        if asked is None and not place.needed:
            shutil.rmtree(place.folder, ignore_errors=True)
        else:
            tell(place.folder)


@contextlib.contextmanager
def logging_to(file: Path) -> Iterator[None]:
    """Send what the stand-in's libraries log to *file*: a person watches a drill, not their tracebacks."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    handler = logging.FileHandler(file, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.handlers[:] = handlers
        root.setLevel(level)
        handler.close()
