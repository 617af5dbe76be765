"""Plans: what an apply would register, create and change, as a value, and the apply itself."""
