"""`autotag faces`: who is known, and who is in a GIF."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from autotag_core import storage
from autotag_core.config import FramesConfig
from jobs.commands.options import checked_uri
from jobs.commands.output import say

app = typer.Typer(help="People's faces: enroll them, and find them in GIFs.", no_args_is_help=True)

GalleryUri = Annotated[
    str,
    typer.Option("--gallery", help="Folder of the gallery: s3a://bucket/prefix or a local path.", callback=checked_uri),
]


@app.command()
def enroll(
    people: Annotated[
        str, typer.Option(help="A folder with a folder a person, or a CSV file of name, id and picture.")
    ],
    gallery: GalleryUri,
    review: Annotated[
        Path | None, typer.Option(help="Also write a page that shows every picture and its doubt.")
    ] = None,
    doubts: Annotated[Path | None, typer.Option(help="Also write the doubtful pictures as a CSV file.")] = None,
    decisions: Annotated[str | None, typer.Option(help="That file, with yes or no in its column accept.")] = None,
) -> None:
    """Enroll people from 1 to 20 pictures each. No training is needed.

    A picture in doubt is listed with its reason and not enrolled: no face, several, small, blurred, unlike the person's
    others, like another person's. Pictures that are enrolled already are left out.
    """
    from autotag_core.faces.pages import review_page
    from jobs.faces.enroll_people import doubts_csv, enroll_people

    found = enroll_people(people, storage.absolute(gallery), decisions)
    for one in found:
        if one.doubt is not None:
            say(f"{one.picture.uri}: {one.doubt}: {one.said}")
    if review is not None:
        with storage.new_file(str(review.absolute())) as path, path.open("w", encoding="utf-8") as file:
            file.writelines(review_page(found))
    if doubts is not None:
        storage.write_bytes(str(doubts.absolute()), doubts_csv(found))
    num_doubts = sum(one.doubt is not None for one in found)
    say(f"{gallery}: {len(found)} new pictures checked, {num_doubts} in doubt")


@app.command("list")
def list_(gallery: GalleryUri, json_: Annotated[bool, typer.Option("--json")] = False) -> None:
    """List who is enrolled, with how many pictures."""
    from autotag_core.faces.embedder import model_version
    from autotag_core.faces.gallery import read_gallery

    known = read_gallery(storage.absolute(gallery), model_version())
    counts = Counter(known.owners.tolist())
    for at, (person_id, name) in enumerate(known.people):
        row = {"person_id": person_id, "name": name, "num_pictures": counts[at]}
        say(json.dumps(row, ensure_ascii=False) if json_ else f"{name} ({person_id}): {counts[at]} pictures")
    if not json_:
        say(f"{gallery}: {len(known.people)} people, version {known.version}")


@app.command()
def remove(
    person_ids: Annotated[list[str], typer.Argument(help="Ids, as `autotag faces list` prints them.")],
    gallery: GalleryUri,
) -> None:
    """Take people out of the gallery. No version of it holds them afterwards."""
    from autotag_core.faces.gallery import remove_people

    num_pictures = remove_people(storage.absolute(gallery), person_ids)
    say(f"{gallery}: {len(set(person_ids))} people removed, {num_pictures} pictures")


@app.command()
def find(
    files: Annotated[list[str], typer.Argument(help="Files or folders: s3a://bucket/key or a local path.")],
    gallery: GalleryUri,
    show: Annotated[Path | None, typer.Option(help="Also write a page with each person's best face.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Name the people in GIFs and pictures. Who is not enrolled is `unknown`.

    A file that can't be read is one line with the reason. Exit: 0, or 1 where not one file could be read.
    """
    from autotag_core.faces.embedder import FaceEmbedder, model_version
    from autotag_core.faces.finder import FaceFinder
    from autotag_core.faces.gallery import read_gallery
    from autotag_core.faces.pages import people_page
    from jobs.tagger.predict_files import files_of

    uris = files_of(files)
    finder = FaceFinder(read_gallery(storage.absolute(gallery), model_version()), FaceEmbedder())
    places = tuple(sorted({storage.own_place(uri) for uri in uris}))
    found = []
    for one in finder.find_files(uris, FramesConfig(allowed_places=places)):
        say(one.to_json() if json_ else one.to_text())
        found.append(one)
    if show is not None:
        with storage.new_file(str(show.absolute())) as path, path.open("w", encoding="utf-8") as file:
            file.writelines(people_page(found))
    if all(one.error is not None for one in found):
        raise typer.Exit(1)
