"""Workers that take jobs from an SQS queue and run each as one ECS task.

    python -m fleet work --queue-url https://sqs... --store jobs.sqlite --cluster prod --task-definition report:7 ...
    python -m fleet report --store jobs.sqlite

A worker may be killed at any moment: another one goes on. No job is lost, and no task is launched twice. What cannot be
known is parked and reported. docs/fleet.md has the rules, and why each of them is needed.
"""
