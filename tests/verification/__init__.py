"""Tests of `services.verify` and of pinned images."""
