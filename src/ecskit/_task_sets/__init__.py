"""The methods of `client.task_sets`, written once as flows, with their values."""
