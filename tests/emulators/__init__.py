"""What others think ECS answers: moto and ministack, beside the simulator, and what our client makes of each."""
