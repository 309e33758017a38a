"""The command `autotag`, a file a group of commands."""
