"""What moto works out anew for each request or each state, kept for the life of the process.

A proof runs many drills on few cores, where a drill's own work takes the time that the services under test need.  Each
function here takes the place of one symbol and gives the same results; the tests compare the two, and hold a canary
for each.
"""

from __future__ import annotations

import functools
from typing import Any

import moto.backends as backends
from moto.core.serialize import (
    DEFAULT_ALIAS_PROVIDERS,
    AttributePicker,
    AttributePickerContext,
    ResponseSerializer,
    XFormedAttributePicker,
)
from moto.stepfunctions.parser.asl.component.common.flow.end import End
from moto.stepfunctions.parser.asl.component.common.flow.next import Next
from moto.stepfunctions.parser.asl.component.state.state_props import UNIQUE_SUBINSTANCES, StateProps
from moto.stepfunctions.parser.asl.parse.typed_props import TypedProps

from emr_drill.stand_in.patching import original, replace

# Pickers whose keys follow from nothing but the model when they look into a plain dictionary.
_PICKERS = (AttributePicker, XFormedAttributePicker)
# Where a shape keeps the keys of a picker, beside its parent, which some of them follow from.
_KEPT = "_emr_drill_keys"


def install() -> None:
    """Put everything here into its place, for the life of the process."""
    replace(backends, "list_of_moto_modules", functools.cache(_modules))
    replace(ResponseSerializer, "get_value", get_value)
    replace(StateProps, "add", add_property)


def _modules() -> tuple[str, ...]:
    """The folders of moto, which it lists twice for each request."""
    return tuple(original(backends, "list_of_moto_modules")())


def get_value(self: Any, value: Any, key: str, shape: Any) -> Any:
    """The field *key* of what a handler returned.

    moto tries several spellings, found out anew for each field of each item; those for a plain dictionary are a matter
    of the model.
    """
    picker = self._value_picker
    if type(value) is not dict or type(picker) not in _PICKERS or picker.alias_providers is not DEFAULT_ALIAS_PROVIDERS:
        return original(ResponseSerializer, "get_value")(self, value, key, shape)
    found = None
    for possible in _possible_keys(picker, key, shape):
        if "." in possible:  # a path into the value
            return original(ResponseSerializer, "get_value")(self, value, key, shape)
        if possible in value:
            found = value[possible]
            break
    if picker.response_transformers:
        path = f"{'.'.join(self.path)}.{key}"
        for ending, transform in picker.response_transformers.items():
            if path.endswith(ending):
                return transform(found)
    return found


def _possible_keys(picker: Any, key: str, shape: Any) -> tuple[str, ...]:
    parent = getattr(shape, "parent", None)
    kept = vars(shape).setdefault(_KEPT, {})
    known = kept.get((type(picker), key))
    if known is None or known[0] is not parent:
        context = AttributePickerContext(obj={}, key=key, shape=shape)
        known = kept[type(picker), key] = (parent, tuple(dict.fromkeys(picker.get_possible_keys(context))))
    keys: tuple[str, ...] = known[1]
    return keys


def add_property(self: Any, instance: object) -> None:
    """Add a property of a state; moto asks each time for each of its kinds whether this one belongs to it."""
    kind: Any = type(instance)
    if kind in (End, Next):  # these two exclude each other
        original(StateProps, "add")(self, instance)
    else:
        TypedProps._add(self, _unique_kind(kind) or kind, instance)


@functools.cache
def _unique_kind(kind: Any) -> type | None:
    """The kind of which a state may have only one and that *kind* belongs to."""
    return next((known for known in UNIQUE_SUBINSTANCES if issubclass(kind, known)), None)
