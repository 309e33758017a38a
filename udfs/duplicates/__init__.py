"""Near duplicates: pairs, components, groups."""
