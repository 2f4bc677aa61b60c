"""The rules of verdicts over simulated time: how often they are wrong, and how soon they notice a death."""
