"""Drills: each breaks something on purpose, by one command, and ends with an error where a promise did not hold."""

import sys
from pathlib import Path

# Drills make secrets and start servers as the tests do: with tests/support/.
sys.path.append(str(Path(__file__).resolve().parents[2] / "tests"))
