"""What a drill can break, and what must come of it."""
