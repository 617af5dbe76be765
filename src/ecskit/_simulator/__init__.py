"""The simulated ECS control plane, public as `ecskit.testing`: records, operations, scheduler, faults, time."""
