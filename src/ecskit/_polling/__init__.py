"""The engine of all waits: poll, merge observations, evaluate conditions, decide, sleep. It names no resource type."""
