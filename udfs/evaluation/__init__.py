"""What measures a release."""
