"""Service definitions: files, normal forms, differences and validation."""
