"""The methods of `client.tasks`, written once as flows, with their values and errors."""
