"""`autotag faces`: reports for editors: who is missing, and how groups of people fare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.terminal import shown
from jobs.commands.faces import GalleryUri, ModelUri, absolute_model, app
from jobs.commands.options import checked_uri
from jobs.commands.output import check_file, names_in_a_line, say, write_page


@app.command()
def missing(
    searches: Annotated[
        str,
        typer.Option(help="CSV, JSON lines or Parquet of query and count, or search sessions.", callback=checked_uri),
    ],
    gallery: GalleryUri,
    refused: Annotated[
        str | None, typer.Option(help="CSV of name and reason: names to leave out.", callback=checked_uri)
    ] = None,
    entities: Annotated[
        str | None,
        typer.Option(help="Names of people and films, as `autotag labels build` takes them.", callback=checked_uri),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """List searched names of people who are not enrolled, most searched first, with their spellings.

    Names come from --entities. What no list has and looks like a name is `guessed`.
    """
    from autotag_core.faces.gallery import read_names
    from autotag_core.faces.searched.missing import find_missing
    from autotag_core.faces.searched.searches import read_refused, read_searches
    from autotag_core.labels import Lexicon, read_entities

    enrolled = read_names(storage.absolute(gallery))
    counts = read_searches(storage.absolute(searches))
    left_out = read_refused(storage.absolute(refused)) if refused else {}
    listed = read_entities(storage.absolute(entities)) if entities else None
    found = find_missing(counts, enrolled, left_out, listed, Lexicon())
    for one in found.people:
        if json_:
            row = {"name": one.name, "num_searches": one.num_searches, "source": one.source}
            say(json.dumps(row | {"spellings": dict(one.spellings)}, ensure_ascii=False))
        else:
            spelled = ", ".join(f"{shown(search)} {count:,}" for search, count in one.spellings)
            say(f"{one.num_searches:,}  {shown(one.name)} ({one.source}): {spelled}")
    if not json_:
        say(
            f"missing names: {len(found.people):,}; left out are {found.num_enrolled:,} searches for enrolled people, "
            f"{found.num_refused:,} for refused names, and {found.num_other:,} that are taken for no name"
        )


@app.command()
def bias(
    gallery: GalleryUri,
    attributes: Annotated[
        str,
        typer.Option(help="CSV of person, attribute and value, or Wikidata's export.", callback=checked_uri),
    ],
    pictures: Annotated[
        str,
        typer.Option(
            help="Held-out pictures: a folder with a folder a person, or a CSV of name, id and picture.",
            callback=checked_uri,
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="The report as a page.")] = None,
    reference: Annotated[
        str | None, typer.Option(help="CSV of attribute, value and share: what is right.", callback=checked_uri)
    ] = None,
    model: ModelUri = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = False,
) -> None:
    """Report how well groups of people are represented, found and named, with 95% intervals.

    Pictures that are enrolled already are left out. Differences that exceed chance are marked.
    """
    from autotag_core.faces.bias.page import bias_page
    from jobs.faces.measure_bias import BiasRequest, measure_bias

    if out is None and not json_:
        raise InputError("faces bias: give --out FILE.html, or --json")
    if out is not None:
        check_file(out)
    request = BiasRequest(
        storage.absolute(gallery),
        storage.absolute(attributes),
        storage.absolute(reference) if reference else None,
        storage.absolute(pictures),
        absolute_model(model),
    )
    report = measure_bias(request)
    _say_unmatched(request.attributes, request.gallery)
    if out is not None:
        write_page(out, bias_page(report))
    if json_:
        say(report.to_json())
    else:
        marked = sum(rate.differs for one in report.groups for rate in (one.people, *one.rates.values()))
        say(f"{out}: {len(report.groups)} groups, {report.num_pictures:,} pictures, {marked} differences exceed chance")


@app.command()
def explore(
    gallery: GalleryUri,
    out: Annotated[Path, typer.Option(help="The page.")],
    attributes: Annotated[
        str | None,
        typer.Option(help="CSV of person, attribute and value: colours, as for bias.", callback=checked_uri),
    ] = None,
) -> None:
    """Show all enrolled faces as a cloud in three dimensions: one page that needs no network."""
    from autotag_core.faces.explorer.page import explorer_page
    from jobs.faces.explore_gallery import explore_gallery

    check_file(out)
    found = explore_gallery(storage.absolute(gallery), storage.absolute(attributes) if attributes else None)
    if attributes:
        _say_unmatched(storage.absolute(attributes), storage.absolute(gallery))
    write_page(out, explorer_page(found))
    say(f"{out}: {len(found.owners):,} faces of {len(found.people):,} people, by {found.method}")


def _say_unmatched(attributes: str, gallery: str) -> None:
    """Who of the file was left out, as one line on standard error."""
    from autotag_core.faces.bias.attributes import unmatched_people
    from autotag_core.faces.gallery import read_gallery

    names = unmatched_people(attributes, read_gallery(gallery, None).people)
    if names:
        said = names_in_a_line(names)
        typer.echo(f"{attributes}: left out, since not one enrolled person alone is called so: {said}", err=True)
