"""How good a release is: its votes, its labels, its related GIFs."""
