from __future__ import annotations

import pytest

from .mutants import mutants


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x < 1", ["x <= 1", "x >= 1", "x < 2"]),
        ("x == y", ["x != y"]),
        ("x is y", ["x is not y"]),
        ("x in y", ["x not in y"]),
        ("x and y", ["x or y"]),
        ("not x", ["x"]),
        ("x + y", ["x - y"]),
        ("x // y", ["x * y"]),
        ("True", ["False"]),
        ("'a'", ["'XXaXX'"]),
        ("1.5", ["2.5"]),
        ("None", []),
        ("max(x)", ["min(x)"]),
        ("x if y else z", ["x if not y else z"]),
        ("[x for x in y if z]", ["[x for x in y if not z]"]),
    ],
)
def test_an_expression_is_changed_in_one_place(source: str, expected: list[str]) -> None:
    changed = [mutant.source for mutant in mutants(f"x = {source}")]

    assert changed == [f"x = {each}" for each in expected]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f():\n    return x", ["def f():\n    return None"]),
        ("def f():\n    return None", []),
        ("if x:\n    y", ["if not x:\n    y", "if x:\n    pass"]),
        ("while x:\n    break", ["while not x:\n    break", "while x:\n    pass"]),
        ("raise x", ["pass"]),
        ("f(x)", ["pass"]),
        ("x += y", ["x -= y"]),
        ("match x:\n    case y if z:\n        pass", ["match x:\n    case y if not z:\n        pass"]),
    ],
)
def test_a_statement_is_changed_in_one_place(source: str, expected: list[str]) -> None:
    assert [mutant.source for mutant in mutants(source)] == expected


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring."""',
        "import x",
        "x: Literal[1]",
        "@dataclass(frozen=True)\nclass X:\n    pass",
        "def f(x: Literal[1]) -> Literal[2]:\n    pass",
        "if TYPE_CHECKING:\n    x = 1",
    ],
)
def test_what_does_nothing_at_run_time_is_left_alone(source: str) -> None:
    assert list(mutants(source)) == []


def test_a_mutant_says_what_it_changed_and_where() -> None:
    (mutant,) = mutants("x = y\ny = x == z")

    assert (mutant.line, mutant.before, mutant.after) == (2, "x == z", "x != z")
