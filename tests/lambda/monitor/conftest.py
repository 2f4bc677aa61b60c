"""Tables in memory for the monitor's tests."""

from __future__ import annotations

from ..tables import dynamodb, dynamodb_of_module

__all__ = ["dynamodb", "dynamodb_of_module"]
