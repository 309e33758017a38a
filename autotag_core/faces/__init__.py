"""Who is in a GIF: faces are found in frames, followed, embedded, and named by a gallery of enrolled pictures."""
