"""The drivers, with flows of a few lines, and a virtual clock."""
