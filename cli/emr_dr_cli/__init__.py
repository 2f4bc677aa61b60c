"""The command line, ``emr-dr``."""
