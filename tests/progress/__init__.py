"""Tests of `ecskit.progress`."""
