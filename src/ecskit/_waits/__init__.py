"""The catalogue of waits, one resource type per module. The methods of `client.wait` are generated from these flows."""
