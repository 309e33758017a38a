"""A phrase to one GIF: what it means, its tags, how popular it is and whether it rises; and how weird it may be."""
