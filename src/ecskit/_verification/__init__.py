"""Verification: whether the resources of other services that a definition names exist, and fit."""
