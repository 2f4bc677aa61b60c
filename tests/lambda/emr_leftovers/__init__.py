"""Tests of what removes what EMR left."""
