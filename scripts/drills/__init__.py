"""Drills: each breaks something on purpose, by one command, and ends with an error where a promise did not hold."""
