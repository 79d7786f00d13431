"""Benches: each measures by one command and prints its figures."""

import sys
from pathlib import Path

# Benches make secrets and start servers as the tests do: with tests/support/.
sys.path.append(str(Path(__file__).resolve().parents[2] / "tests"))
