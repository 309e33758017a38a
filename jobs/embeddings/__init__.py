"""The stages that make embeddings, one expert's or one pass after another."""
