"""What the `autotag` commands print."""

from __future__ import annotations

import typer

from autotag_core.terminal import shown_text


def say(text: str) -> None:
    """Print the text. Control characters, which a catalog may hold, are printed as what they are called."""
    typer.echo(shown_text(text))
