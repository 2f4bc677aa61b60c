"""Tests of what is measured besides recovery."""
