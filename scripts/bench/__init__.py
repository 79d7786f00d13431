"""Benches: each measures by one command and prints its figures."""
