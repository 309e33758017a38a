"""Pixels of one PNG, JPEG or WebP picture. What is beside the pixels in a file never decides whether they are read."""
