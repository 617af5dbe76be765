"""Tests of the simulator: each family on plain JSON values, then through real clients."""
