"""Service definitions: files, differences and validation."""
