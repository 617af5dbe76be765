"""The part of ecskit that only decides: no I/O, no clock, no randomness, no asyncio."""
