"""Which AWS calls the code behind a handler can reach: a call graph by names.

A call of ``x.name(...)`` or ``name(...)``, or the mere mention of ``x.name`` or ``name``, may lead to every function of
that name in the handler's package: more than really happens, and never less, as nothing is called by a name that is
made at run time (which :func:`reached` makes sure of).  Only modules that the handler imports count, directly or not.
"""

from __future__ import annotations

import ast
import functools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import botocore.session
from botocore import xform_name

LAMBDA = Path(__file__).resolve().parents[1] / "lambda"
# What the functions use, by the names that boto3 has for them.
SERVICES = ("cloudformation", "dynamodb", "ec2", "elbv2", "emr", "lambda", "sns", "stepfunctions")
# Not an operation of EMR but botocore's own function.
NO_CLIENTS = ("botocore.session",)


@dataclass(slots=True)
class _Function:
    """One function: the names that it mentions, and the operations that it calls."""

    mentions: set[str] = field(default_factory=set)
    operations: set[str] = field(default_factory=set)


def reached(handler: str) -> set[str]:
    """Operations of AWS, ``CreateStack``, that the code from *handler* on can call.

    Args:
        handler: ``package.module.function``.
    """
    return _walked(handler)[0]


def functions_reached(handler: str) -> set[str]:
    """Names of functions that the code from *handler* on can call, as :func:`reached` finds them."""
    return _walked(handler)[1]


def bodies_reached(handler: str) -> Iterator[ast.FunctionDef]:
    """The functions that the code from *handler* on can call, as :func:`reached` finds them."""
    names = functions_reached(handler)
    for file in _imported(handler.rpartition(".")[0]):
        for node in ast.walk(_tree(file)):
            if isinstance(node, ast.FunctionDef) and node.name in names:
                yield node


def _walked(handler: str) -> tuple[set[str], set[str]]:
    module, _, start = handler.rpartition(".")
    by_name: dict[str, list[_Function]] = defaultdict(list)
    for file in _imported(module):
        for name, function in _functions(file):
            by_name[name].append(function)
    found: set[str] = set()
    seen: set[str] = set()
    left = {start, ""}  # "": what a module does when it is loaded
    while left:
        name = left.pop()
        seen.add(name)
        for function in by_name.get(name, ()):
            found |= function.operations
            left |= {each for each in function.mentions if each in by_name and each not in seen}
    return found, seen


def _imported(module: str) -> list[Path]:
    """The module and every module of the same package that it imports, directly or not."""
    found: list[Path] = []
    left = [module]
    while left:
        file = LAMBDA.joinpath(*left.pop().split(".")).with_suffix(".py")
        if file in found or not file.is_file():
            continue
        found.append(file)
        for node in ast.walk(_tree(file)):
            if isinstance(node, ast.ImportFrom) and node.module:
                left += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    package = module.partition(".")[0]
    return [file for file in found if file.relative_to(LAMBDA).parts[0] == package]


@functools.cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _functions(file: Path) -> Iterator[tuple[str, _Function]]:
    """Name and content of every function of a module, of the module itself as the empty name."""
    tree = _tree(file)
    whole = _Function()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, _content(node)
        elif isinstance(node, ast.ClassDef):
            # Making an object of a class is a call of its name.
            made = _Function()
            for part in node.body:
                if isinstance(part, ast.FunctionDef):
                    content = _content(part)
                    yield part.name, content
                    if part.name.startswith("__"):
                        made.mentions |= content.mentions
                        made.operations |= content.operations
            yield node.name, made
        elif not isinstance(node, ast.Import | ast.ImportFrom) and not (
            isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        ):
            found = _content(node)
            whole.mentions |= found.mentions
            whole.operations |= found.operations
    yield "", whole


def _content(root: ast.AST) -> _Function:
    found = _Function()
    for node in ast.walk(root):
        if isinstance(node, ast.Name):
            found.mentions.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.mentions.add(node.attr)
        if isinstance(node, ast.Call):
            found.operations |= set(_operations(node))
            assert not isinstance(node.func, ast.Call), f"a name that is made at run time: {ast.unparse(node)}"
    return found


def _operations(call: ast.Call) -> Iterator[str]:
    """Operations that one call is: of a client or resource, or of a paginator's name."""
    if not isinstance(call.func, ast.Attribute):
        return
    name = call.func.attr
    if name == "get_paginator" and isinstance(call.args[0], ast.Constant):
        yield _names()[str(call.args[0].value)]
    elif name in _names() and ast.unparse(call.func.value) not in NO_CLIENTS:
        yield _names()[name]


@functools.cache
def _names() -> dict[str, str]:
    """Python's names of the operations."""
    session = botocore.session.get_session()
    return {
        xform_name(operation): operation
        for service in SERVICES
        for operation in session.get_service_model(service).operation_names
    }
