"""Task definitions as values: files, derivation, normal forms, differences, rules; and registering them."""
