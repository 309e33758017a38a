"""What the `autotag` commands print and write."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import typer

from autotag_core import storage
from autotag_core.terminal import shown_text


def say(text: str) -> None:
    """Print the text. Control characters, which a catalog may hold, are printed as what they are called."""
    typer.echo(shown_text(text))


def write_page(path: Path, parts: Iterable[str]) -> None:
    """Write the parts as one file, which is there only when it is whole."""
    with storage.new_file(str(path.absolute())) as new, new.open("w", encoding="utf-8") as file:
        file.writelines(parts)
