"""People's faces: enrolling them, and finding them in files."""
