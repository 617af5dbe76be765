"""Tests of `ecs.services`."""
