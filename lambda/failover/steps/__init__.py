"""The steps of the two machines, one module for each; every step may be called again at any time."""
