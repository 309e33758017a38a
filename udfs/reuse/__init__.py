"""What is the same as last night."""
