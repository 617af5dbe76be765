"""Events of ECS: their types, decoding, the template of a queue for them, and receiving them from that queue."""
