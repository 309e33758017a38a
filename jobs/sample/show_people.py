"""`make run ARGS="--faces FOLDER"`: people who are enrolled and drawn into GIFs, and whom the night has named."""

from __future__ import annotations

from pathlib import Path

import typer

from autotag_core import warehouse
from autotag_core.tables import PEOPLE

NUM_GIFS = 24
_NUM_SHOWN = 4


def enroll_sample(catalog: str, people: Path, gallery: str, seed: int) -> dict[str, frozenset[str]]:
    """Draw GIFs of the people into the sample and enroll most of them. Gives who of these is in each GIF."""
    from autotag_core.sample.people import write_people  # with OpenCV, which a sample without people does not need
    from jobs.faces.enroll_people import enroll_people

    enrolled, truth = write_people(catalog, people.absolute(), NUM_GIFS, seed)
    found = enroll_people(enrolled, gallery)
    num_doubts = sum(one.doubt is not None for one in found)
    typer.echo(f"Drew {NUM_GIFS} GIFs of people; enrolled from {len(found)} pictures, {num_doubts} of them in doubt")
    return truth


def show_people(tables: str, truth: dict[str, frozenset[str]]) -> None:
    """Print whom the night named, against who was drawn."""
    release = warehouse.current_release(tables)
    rows = warehouse.read_table(tables, PEOPLE.name, release, ["gif_id", "name", "known"]).to_pylist()
    named: dict[str, set[str]] = {}
    for row in rows:
        if row["known"]:
            named.setdefault(row["gif_id"], set()).add(row["name"])
    num_right = sum(named.get(gif_id, set()) == people for gif_id, people in truth.items())
    others = sorted(set(named) - set(truth))
    typer.echo(
        f"\nPeople: in {num_right} of {len(truth)} GIFs of people exactly the enrolled ones are named; "
        f"somebody is named in {len(others)} other GIFs"
    )
    for gif_id in sorted(truth)[:_NUM_SHOWN]:
        unknown = sum(row["gif_id"] == gif_id and not row["known"] for row in rows)
        typer.echo(f"  {gif_id}: {', '.join(sorted(named.get(gif_id, set()))) or 'nobody'}, and {unknown} unknown")
