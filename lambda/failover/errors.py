"""Errors that steps raise; a machine calls a step that raised again, then rolls back or fails."""

from __future__ import annotations


class InvariantError(Exception):
    """Going on would break a promise of the product; a person has to look.  The message says what nearly happened."""


class NoProberAnsweredError(Exception):
    """No prober could be asked: an error of our own calls, which says nothing about the cluster."""


class ExecutionEndedError(Exception):
    """An execution that shall start has ended badly already, and its name cannot be used again."""
