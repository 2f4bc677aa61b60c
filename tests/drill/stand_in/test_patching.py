"""Symbols of moto that are replaced: told apart from the originals, whichever stand-in came before."""

from __future__ import annotations

import types
from collections.abc import Iterator

import pytest

from emr_drill.stand_in.patching import original, replace, restore


class Parent:
    def inherited(self) -> str:
        return "parent"


# Of the module, not of a test: originals are kept by the owner's identity, as moto's classes never go away.
class Owner(Parent):
    def method(self) -> str:
        return "moto"

    @staticmethod
    def static() -> str:
        return "moto"

    @classmethod
    def of_class(cls) -> str:
        return cls.__name__


MODULE = types.ModuleType("module")
MODULE.symbol = "moto"  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    for name in ("method", "static", "of_class"):
        restore(Owner, name)
    restore(MODULE, "symbol")


def test_replacement_is_used() -> None:
    replace(Owner, "method", lambda self: "drill")

    assert Owner().method() == "drill"


def test_second_replacement_takes_the_firsts_place() -> None:
    for word in ("first", "second"):
        replace(Owner, "method", lambda self, word=word: word)

    assert Owner().method() == "second"


def test_original_is_motos_after_two_replacements() -> None:
    """A replacement that calls what it replaced must not call the one of the stand-in before."""
    for _ in range(2):
        replace(Owner, "method", lambda self: "drill")

    assert original(Owner, "method")(Owner()) == "moto"


def test_original_is_known_before_anything_is_replaced() -> None:
    assert original(MODULE, "symbol") == "moto"


def test_symbols_of_modules_can_be_replaced() -> None:
    replace(MODULE, "symbol", "drill")

    assert (vars(MODULE)["symbol"], original(MODULE, "symbol")) == ("drill", "moto")


@pytest.mark.parametrize("name", ["static", "of_class"])
def test_kind_of_method_survives_a_restore(name: str) -> None:
    before = vars(Owner)[name]
    replace(Owner, name, staticmethod(lambda: "drill"))
    restore(Owner, name)

    assert vars(Owner)[name] is before


def test_restored_symbol_is_motos() -> None:
    replace(Owner, "method", lambda self: "drill")
    restore(Owner, "method")

    assert Owner().method() == "moto"


def test_restoring_what_was_not_replaced_is_no_error() -> None:
    restore(Owner, "inherited")

    assert Owner().inherited() == "parent"


@pytest.mark.parametrize("name", ["unknown", "inherited"])
def test_symbol_that_the_owner_itself_lacks_is_refused(name: str) -> None:
    """A typo, or another moto: replaced in the child it would leave the parent's callers alone."""
    with pytest.raises(AttributeError, match=f"Owner has no {name}: the drill needs the moto of constraints.txt"):
        replace(Owner, name, None)

    assert name not in vars(Owner)
