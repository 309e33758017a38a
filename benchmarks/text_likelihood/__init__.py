"""Fits and judges autotag_core/ocr/likelihood.npz, which says where words are likely."""
