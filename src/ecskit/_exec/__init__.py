"""ECS Exec: commands and sessions inside of containers."""
