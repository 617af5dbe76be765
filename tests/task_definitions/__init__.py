"""Tests of task definitions: a table of common definitions, properties, the simulator and moto."""
