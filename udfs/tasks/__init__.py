"""Where a task runs and what it leaves: its GPU, its folder, the files of a table."""
