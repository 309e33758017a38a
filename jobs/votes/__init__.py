"""The stages of the vote."""
