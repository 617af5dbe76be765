"""What the simulated account keeps: one class for each resource. Operations and the scheduler change them."""
