"""A run: its record, its tables, its staging, and what the next run can take up."""
