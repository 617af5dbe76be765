"""What ecskit puts on the wire and makes of what comes back, over real HTTP and against botocore and moto."""
