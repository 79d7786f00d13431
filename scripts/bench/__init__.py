"""Benches: what the service costs, always beside something else in the same run, for machines differ and are shared."""
