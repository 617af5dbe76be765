"""Task definitions: files, derivation, normal forms, differences, validation and registration."""
