"""Faces that were seen in, people out, in the executors."""
