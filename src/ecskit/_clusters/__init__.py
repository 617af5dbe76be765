"""The methods of `client.clusters`, written once as flows, with their errors."""
