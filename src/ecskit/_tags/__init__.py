"""The methods of `client.tags`, written once as flows, with their errors."""
