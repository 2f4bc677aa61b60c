"""What every part of the settings is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the settings: unknown keys are errors, values keep the type that they were written in."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True)
