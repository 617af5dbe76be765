"""The catalogue of waits, one resource type a module. The methods of `client.wait` are generated from these flows."""
