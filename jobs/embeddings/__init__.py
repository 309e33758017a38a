"""The stages that make embeddings: one pass over the frames, then stages of one expert each."""
