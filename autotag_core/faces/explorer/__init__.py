"""The enrolled faces as a cloud to look around in."""
