"""What does a sample look like? Studies, identifiers, and one feature builder a modality."""
