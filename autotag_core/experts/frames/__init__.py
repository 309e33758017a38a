"""Networks over frames: which frames share a batch, what is under way, and how much memory that takes."""
