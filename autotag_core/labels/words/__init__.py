"""Words: lists of them, their stems, and what makes two the same."""
