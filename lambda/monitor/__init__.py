"""Makes verdicts of evidence and starts operations."""
