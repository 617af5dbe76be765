"""The methods of `client.container_instances`, written once as flows, with their values and errors."""
