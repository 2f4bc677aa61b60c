"""A person at a terminal: types a command, reads what it says, and says yes when it asks."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

QUESTION = re.compile(r"\(y/n\)[?:]? *$")
# Colours, and what moves the cursor.
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLUMNS, ROWS = 220, 50
CHUNK = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What came of a command.

    Attributes:
        status: its exit code.
        text: all that it wrote, without colours.
        questions: what it asked, each answered with yes.
        seconds: of machine time that it took.
    """

    status: int
    text: str
    questions: tuple[str, ...]
    seconds: float


def type_in(command: str, *, folder: Path, environment: Mapping[str, str], limit: float) -> Said:
    """Run *command* in bash at a terminal of its own.

    Args:
        command: a line as one types it.
        folder: where.
        environment: all of it.
        limit: seconds of machine time after which it is ended.

    Raises:
        TimeoutError: it was ended.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    began = time.monotonic()
    process = subprocess.Popen(
        ["bash", "-c", command],
        cwd=folder,
        env=dict(environment),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        text, questions = _converse(ours, until=began + limit)
        status = process.wait(timeout=max(1.0, began + limit - time.monotonic()))
    except (TimeoutError, subprocess.TimeoutExpired) as error:
        raise TimeoutError(f"{command}: not done after {limit:.0f} s; it said: {error}") from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(ours)
    return Said(status=status, text=text, questions=questions, seconds=time.monotonic() - began)


def _converse(terminal: int, *, until: float) -> tuple[str, tuple[str, ...]]:
    """Read until the other side hangs up, and answer its questions."""
    content = bytearray()
    answered = 0  # so many bytes were there when the last question was answered
    questions: list[str] = []
    while True:
        ready, _, _ = select.select([terminal], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            raise TimeoutError(_plain(content))
        try:
            chunk = os.read(terminal, CHUNK)
        except OSError:  # as Linux says that nobody has the terminal open any more
            chunk = b""
        if not chunk:
            return _plain(content), tuple(questions)
        content += chunk
        last_line = _plain(content[max(answered, content.rfind(b"\n") + 1) :])
        if QUESTION.search(last_line):
            questions.append(last_line)
            answered = len(content)
            os.write(terminal, b"y\n")


def _plain(content: bytes | bytearray) -> str:
    return CONTROL.sub("", content.decode(errors="replace")).replace("\r", "")
