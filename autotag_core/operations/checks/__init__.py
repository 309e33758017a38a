"""Checks of what a night needs, each by really doing it once: `autotag doctor`."""
