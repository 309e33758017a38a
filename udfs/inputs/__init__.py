"""Files that people give, as DataFrames: every row is there, readable or not."""
