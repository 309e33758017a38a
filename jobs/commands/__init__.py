"""The command `autotag`, with a file for each group of commands."""
