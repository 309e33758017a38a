"""What the `autotag` commands print and write."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import typer

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.terminal import shown, shown_text

_SHOWN = 20


def say(text: str) -> None:
    """Print the text. Control characters, which a catalog may hold, are printed as what they are called."""
    typer.echo(shown_text(text))


def names_in_a_line(names: Sequence[str]) -> str:
    """The first 20 names of other people's files, and how many there are."""
    more = ", ..." if len(names) > _SHOWN else ""
    return f"{', '.join(map(shown, names[:_SHOWN]))}{more} ({len(names):,})"


def check_file(path: Path) -> None:
    """InputError where no file can be written: the path is a folder, or something above it is a file."""
    if path.is_dir():
        raise InputError(f"{path}: a folder is there: name a file")
    above = next(one for one in path.absolute().parents if one.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise InputError(f"{path}: {above} is {'not writable' if above.is_dir() else 'a file'}: name another place")


def write_page(path: Path, parts: Iterable[str]) -> None:
    """Write the parts as one file, which is there only when it is whole. InputError where no file can be."""
    check_file(path)
    with storage.new_file(str(path.absolute())) as new, new.open("w", encoding="utf-8") as file:
        file.writelines(parts)
