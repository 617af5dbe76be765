"""Task definitions: a table of what people write, properties of what is done with it, a simulator and moto to tell."""
