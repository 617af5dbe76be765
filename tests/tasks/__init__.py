"""Running, judging, finding, stopping and protecting tasks: tables, properties, a simulator that knows the truth."""
