"""The stacks: they wire constructs together and grant rights, and hold no logic of resources."""
