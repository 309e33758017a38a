"""The tagger asked by tasks: features of frames in, rows of the table predictions out."""
