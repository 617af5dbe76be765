"""The methods of `client.services` that are not about one deployment, written once as flows."""
