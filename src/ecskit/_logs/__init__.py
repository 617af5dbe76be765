"""Log lines of tasks: where they are, and how they are read from CloudWatch Logs."""
