"""Polls that the waits of a client share, and their budget: each wait ends as it would alone, whatever others do."""
