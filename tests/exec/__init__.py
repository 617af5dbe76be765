"""ECS Exec."""
