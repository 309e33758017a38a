"""Reports for people, at the end of a night and on request."""
