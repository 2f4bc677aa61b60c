"""What is wrong with the settings, in words that say how to put it right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One wrong setting.

    Attributes:
        key: dotted path of the setting, ``cluster.release_label``.
        got: what stands there.
        allowed: what may stand there.
        remedy: what to do.
    """

    key: str
    got: object
    allowed: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.key}: got {self.got!r}\n    allowed: {self.allowed}\n    remedy: {self.remedy}"


class SettingsError(Exception):
    """The settings cannot be used; every problem found is listed.

    Not a ``ValueError``, so that pydantic lets it through when a validator raises it.

    Attributes:
        problems: what is wrong, at least one.
        source: where the settings come from, for the message.
    """

    def __init__(self, problems: Iterable[Problem], *, source: str = "settings") -> None:
        self.problems = tuple(problems)
        self.source = source
        super().__init__(str(self))

    def __str__(self) -> str:
        count = "one wrong setting" if len(self.problems) == 1 else f"{len(self.problems)} wrong settings"
        return "\n".join([f"{self.source}: {count}", *(f"  {problem}" for problem in self.problems)])


def from_validation_error(error: ValidationError, *, model: type[BaseModel], source: str) -> SettingsError:
    """The same errors, each with the key, what is allowed there and what to do."""
    return SettingsError([_problem(dict(item), model) for item in error.errors()], source=source)


def _problem(item: Mapping[str, Any], model: type[BaseModel]) -> Problem:
    location = tuple(item["loc"])
    key = ".".join(str(part) for part in location) or "(the whole file)"
    if item["type"] == "extra_forbidden":
        section = section_at(model, location[:-1])
        known = sorted(section.model_fields) if section else []
        return Problem(
            key=key,
            got=item["input"],
            allowed=f"only these keys: {', '.join(known)}",
            remedy=_spelling(str(location[-1]), known)
            or f"remove {key}; docs/settings.schema.json describes every key",
        )
    field = _field_at(model, location)
    description = (field.description or "").rstrip(".") if field else ""
    # pydantic's own sentence covers types and bounds; the description says what the setting means.
    sentence = str(item["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    allowed = f"{description} ({sentence[:1].lower()}{sentence[1:]})" if description else sentence
    default = field.get_default(call_default_factory=True, validated_data={}) if field else None
    remedy = (
        f"put an allowed value there, or leave it out to get {default!r}"
        if field and not field.is_required() and not isinstance(default, BaseModel)
        else "put an allowed value there, or remove it"
    )
    return Problem(key=key, got=item["input"], allowed=allowed, remedy=remedy)


def _spelling(name: str, known: list[str]) -> str | None:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else None


def _field_at(model: type[BaseModel], location: tuple[int | str, ...]) -> FieldInfo | None:
    """The deepest declared field on the way to *location* (an item of a list has none of its own)."""
    field: FieldInfo | None = None
    section: type[BaseModel] | None = model
    for part in location:
        if section is None or not isinstance(part, str) or part not in section.model_fields:
            break
        field = section.model_fields[part]
        section = _model_of(field)
    return field


def section_at(model: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model of the section at *location*, or None when no section is there."""
    section: type[BaseModel] | None = model
    for part in location:
        if section is None or not isinstance(part, str) or part not in section.model_fields:
            return None
        section = _model_of(section.model_fields[part])
    return section


def _model_of(field: FieldInfo) -> type[BaseModel] | None:
    candidates = (field.annotation, *get_args(field.annotation))
    for candidate in candidates:
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
