"""A run: its record, its tables, its staging, and what can be taken up again."""
