"""Tags to labels: counts, and the map of each tag."""
