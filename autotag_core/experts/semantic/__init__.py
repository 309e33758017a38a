"""The expert over tags and sessions: Word2Vec, and a GIF's place in its space."""
