"""Random schedules of life, lag, faults and cancellations; what ecskit says is compared with the simulator's truth."""
