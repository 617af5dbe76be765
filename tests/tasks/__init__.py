"""Tests of running, describing, stopping and protecting tasks, and of their outcomes."""
