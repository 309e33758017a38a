"""The stage catalog: rows that can be used, and those that can't."""
