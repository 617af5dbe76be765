"""Who ends a verb, and what is done then."""
