"""What do we tell the user? Batch scoring and explanations."""
