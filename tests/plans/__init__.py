"""Plans: what they show, and what an apply makes of them."""
