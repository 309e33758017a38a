"""Trains the tagger on a release, and asks it for the tags of files."""
