"""What is written in a GIF: lines read in a few frames and merged. Loading this needs no OCR; only reading does."""

from autotag_core.ocr.lines import ReadLine, ReadText, TextLine, merge_lines
from autotag_core.ocr.reader import TextReader, load_reader, reader_version

__all__ = ["ReadLine", "ReadText", "TextLine", "TextReader", "load_reader", "merge_lines", "reader_version"]
