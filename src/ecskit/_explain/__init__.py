"""Why tasks and services fail: a table of what ECS writes, and pure functions that apply it."""
