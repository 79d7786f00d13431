"""The vectors of scripts/make_vectors.py, a module for each room of the format."""
