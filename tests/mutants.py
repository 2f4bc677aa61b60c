"""Small changes to a module, each of which a test ought to notice.

A *mutant* is a module with one change: a comparison, a boolean, a number, a text, an arithmetic operator, a condition,
a returned value or a whole statement.  Annotations, docstrings and decorators are left alone: the first two do nothing
at run time, and what the last do here (``frozen``, ``slots``) no caller may rely on.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any"}

# A field of a node, and which element of it if it is a list.
_Place = tuple[str, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change.

    Attributes:
        line: where, from 1.
        before: the expression or statement as it is.
        after: as it becomes.
        source: the whole changed module.
    """

    line: int
    before: str
    after: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its text."""
    tree = ast.parse(source)
    for path, node in _nodes(tree, ()):
        for change in _changes(node):
            changed = copy.deepcopy(tree)
            target = _at(changed, path)
            replacement = change(target)
            _put(changed, path, replacement)
            ast.fix_missing_locations(changed)
            yield Mutant(
                line=getattr(node, "lineno", 0),
                before=ast.unparse(node),
                after=ast.unparse(replacement),
                source=ast.unparse(changed),
            )


def _nodes(node: ast.AST, path: tuple[_Place, ...]) -> Iterator[tuple[tuple[_Place, ...], ast.AST]]:
    """Every node that may be changed, with the way to it."""
    yield path, node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        children = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if isinstance(child, ast.AST) and not _is_idle(child):
                yield from _nodes(child, (*path, (name, index)))


def _is_idle(child: ast.AST) -> bool:
    """Whether it does nothing when the module runs."""
    if isinstance(child, ast.Expr):
        return isinstance(child.value, ast.Constant)  # a docstring
    if isinstance(child, ast.If) and isinstance(child.test, ast.Name):
        return child.test.id == "TYPE_CHECKING"
    return isinstance(child, ast.Import | ast.ImportFrom)


_Change = Callable[[ast.AST], ast.AST]


def _changes(node: ast.AST) -> list[_Change]:
    """What may be done to one node; each takes a copy of it and gives what stands in its place."""
    match node:
        case ast.Compare():
            return [
                _with_comparison(index, other)
                for index, operator in enumerate(node.ops)
                for other in _COMPARISONS[type(operator)]
            ]
        case ast.BoolOp():
            return [_with(op=ast.Or() if isinstance(node.op, ast.And) else ast.And())]
        case ast.UnaryOp(op=ast.Not()):
            return [lambda each: each.operand if isinstance(each, ast.UnaryOp) else each]
        case ast.BinOp() if type(node.op) in _ARITHMETIC:
            return [_with(op=_ARITHMETIC[type(node.op)]())]
        case ast.AugAssign() if type(node.op) in _ARITHMETIC:
            return [_with(op=_ARITHMETIC[type(node.op)]())]
        case ast.If() | ast.IfExp() | ast.While():
            return [_with(test=_negated(node.test))]
        case ast.comprehension() if node.ifs:
            return [
                _with(ifs=[_negated(each) if at == index else each for at, each in enumerate(node.ifs)])
                for index in range(len(node.ifs))
            ]
        case ast.match_case() if node.guard is not None:
            return [_with(guard=_negated(node.guard))]
        case ast.Constant():
            return [_with(value=other) for other in _other_constants(node.value)]
        case ast.Call(func=ast.Name(id=name)) if name in _FUNCTIONS:
            return [_with(func=ast.Name(id=_FUNCTIONS[name], ctx=ast.Load()))]
        case ast.Return() if node.value is not None and not _is_none(node.value):
            return [_with(value=ast.Constant(value=None))]
        case ast.Raise() | ast.Continue() | ast.Break():
            return [lambda _: ast.Pass()]
        case ast.Expr():
            return [lambda _: ast.Pass()]
        case _:
            return []


def _other_constants(value: object) -> list[object]:
    match value:
        case bool():
            return [not value]
        case int() | float():
            return [value + 1]
        case str():
            return [f"XX{value}XX"]
        case _:
            return []


def _with(**fields: object) -> _Change:
    def change(node: ast.AST) -> ast.AST:
        for name, value in fields.items():
            setattr(node, name, value)
        return node

    return change


def _with_comparison(index: int, other: type[ast.cmpop]) -> _Change:
    def change(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.Compare)
        node.ops[index] = other()
        return node

    return change


def _negated(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(op=ast.Not(), operand=test)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _at(tree: ast.AST, path: tuple[_Place, ...]) -> ast.AST:
    for name, index in path:
        value = getattr(tree, name)
        tree = value if index is None else value[index]
    return tree


def _put(tree: ast.AST, path: tuple[_Place, ...], node: ast.AST) -> None:
    parent = _at(tree, path[:-1])
    name, index = path[-1]
    if index is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[index] = node
