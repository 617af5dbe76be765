"""Closing a client while verbs run in it."""
