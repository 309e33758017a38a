"""How well groups of people are represented in a gallery, found in pictures and named."""
