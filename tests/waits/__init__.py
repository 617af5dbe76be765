"""Waits over tasks: tables of what ECS shows and what has to come of it, and random lives with a model that knows."""
