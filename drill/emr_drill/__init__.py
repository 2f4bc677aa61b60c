"""The drill: the whole system on one machine, broken on purpose and measured."""
