"""The stage related: tags, GIFs and searches near to each other."""
