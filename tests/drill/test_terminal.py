"""The person at the terminal, by whom tests of the command line type."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .terminal import type_in

ENVIRONMENT = {"PATH": os.environ["PATH"], "TERM": "xterm"}


def test_it_is_a_terminal_and_what_is_said_comes_without_colours(tmp_path: Path) -> None:
    said = type_in(
        r"test -t 0 && test -t 1 && printf '\033[31mred\033[0m\n'", folder=tmp_path, environment=ENVIRONMENT, limit=20
    )

    assert (said.status, said.text) == (0, "red\n")


def test_every_question_is_answered_once(tmp_path: Path) -> None:
    ask = "read -r -p 'Really (y/n) ' a && read -r -p 'And this? (y/n)' b && echo \"<$a$b>\""

    said = type_in(ask, folder=tmp_path, environment=ENVIRONMENT, limit=20)

    assert said.questions == ("Really (y/n) ", "And this? (y/n)")
    assert "<yy>" in said.text


def test_the_exit_code_is_the_command_s(tmp_path: Path) -> None:
    assert type_in("exit 3", folder=tmp_path, environment=ENVIRONMENT, limit=20).status == 3


def test_what_does_not_end_is_ended(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError, match=r"(?s).*sleep 60: not done after 1 s; it said: waiting"):
        type_in("echo waiting; sleep 60", folder=tmp_path, environment=ENVIRONMENT, limit=1)
