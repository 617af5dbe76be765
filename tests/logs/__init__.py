"""Tests of where log lines are, and of how they are read."""
