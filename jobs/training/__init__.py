"""The stage examples: the voted dataset as training reads it."""
