"""What a person reads when a drill cannot run."""


class DrillError(Exception):
    """The drill cannot run as asked; the message says why and what to do.  Ends the command with exit code 2."""
