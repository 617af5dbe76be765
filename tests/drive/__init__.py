"""The drivers, with flows of a few lines, and the clock on which nobody waits."""
