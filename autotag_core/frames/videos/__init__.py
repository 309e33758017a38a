"""Frames of one video. Its file is read here; a decoder is only given the bytes of single frames."""
