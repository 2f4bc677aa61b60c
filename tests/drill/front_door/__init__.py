"""Tests of the load balancers' data path."""
