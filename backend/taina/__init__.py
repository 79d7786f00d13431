"""Taina: one-time secrets, encrypted before they leave the browser or the command line."""

__version__ = "0.1.0"
