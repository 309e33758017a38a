"""What rises in searches, tags and GIFs: from events to the table."""
