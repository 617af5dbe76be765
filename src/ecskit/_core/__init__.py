"""Pure code that all other parts build on: no I/O, no clock, no randomness, no asyncio."""
