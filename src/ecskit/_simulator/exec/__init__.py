"""ECS Exec: the agent in a container, the service between it and a client, and what runs in the terminal."""
