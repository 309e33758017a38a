"""Word lists that are part of the product: CSV files beside the code that reads them."""

from __future__ import annotations

import csv
from importlib.resources import files


def read_word_list(package: str, name: str) -> list[dict[str, str]]:
    """Rows of the file of this name in the package, by the columns of its first line. Works inside a zip too."""
    return list(csv.DictReader(files(package).joinpath(name).read_text(encoding="utf-8").splitlines()))
