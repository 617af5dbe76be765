"""What ECS refuses in a request, as one table: `validate` reports it, and the simulator refuses it."""
