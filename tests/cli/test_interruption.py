"""Ctrl-C and SIGTERM end a command once, and then let it clean up."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from emr_dr_cli import interruption
from emr_dr_cli.interruption import PATIENCE_SECONDS, SIGNALS, interrupt_once


class Machine:
    """The machine's clock, moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    made = Machine()
    monkeypatch.setattr(interruption, "time", made)
    interrupt_once()
    yield made
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_interrupts(machine: Machine, number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_next_ones_let_it_clean_up(machine: Machine, number: signal.Signals) -> None:
    """Both signals may come for one Ctrl-C, and an impatient person presses twice."""
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    machine.now += PATIENCE_SECONDS - 1

    signal.raise_signal(number)


def test_who_waited_long_may_interrupt_the_cleaning_up(machine: Machine) -> None:
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    machine.now += PATIENCE_SECONDS + 1

    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
