"""What the simulated account stores: one class for each type of resource. Operations and the scheduler change them."""
