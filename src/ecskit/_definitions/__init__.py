"""What files of task definitions and of services share: parsing, placeholders, types, normal forms and differences."""
