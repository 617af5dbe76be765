"""Compare the simulator with the emulators moto and ministack, and test the clients on each of them."""
