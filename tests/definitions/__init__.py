"""What files of task definitions and of services share: YAML and placeholders."""
