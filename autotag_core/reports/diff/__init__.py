"""What differs between two releases, and why."""
