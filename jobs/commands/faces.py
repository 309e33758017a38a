"""`autotag faces`: who is known, and who is in a GIF."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autotag_core import storage
from autotag_core.config import FacesConfig, FramesConfig
from autotag_core.config.faces import Grouping
from autotag_core.terminal import shown_text
from jobs.commands.faces_training import add_training_commands
from jobs.commands.options import Warehouse, checked_uri
from jobs.commands.output import check_file, names_in_a_line, say, write_page

if TYPE_CHECKING:
    from autotag_core.faces.finder import FoundPeople

app = typer.Typer(help="People's faces: enroll them, and find them in GIFs.", no_args_is_help=True)

GalleryUri = Annotated[
    str,
    typer.Option("--gallery", help="Folder of the gallery: s3a://bucket/prefix or a local path.", callback=checked_uri),
]

ModelUri = Annotated[
    str | None,
    typer.Option("--model", help="Folder of a network of `autotag faces train`; else dlib's.", callback=checked_uri),
]
Way = Annotated[Grouping, typer.Option("--grouping", help="How faces become persons, as the setting faces.grouping.")]


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
    model: ModelUri = None,
) -> None:
    """Enroll people from 1 to 20 pictures each. No training is needed.

    A picture in doubt is listed with its reason and not enrolled: no face, several, small, blurred, unlike the person's
    others, like another person's. Pictures that are enrolled already are left out.
    """
    from autotag_core.faces.pages import review_page
    from jobs.faces.decide_doubts import doubts_csv
    from jobs.faces.enroll_people import enroll_people, left_out

    for file in filter(None, (review, doubts)):
        check_file(file)  # before anybody is enrolled: what is enrolled is not shown again
    found = enroll_people(people, storage.absolute(gallery), decisions, absolute_model(model))
    if review is not None:
        write_page(review, review_page(found))
    if doubts is not None:
        storage.write_bytes(str(doubts.absolute()), doubts_csv(found))
    kept_out = [one for one in found if not one.is_taken]
    for one in kept_out:
        say(f"{one.picture.uri}: {f'{one.doubt}: {one.said}' if one.doubt else 'refused'}")
    for line in left_out(people, found, storage.absolute(gallery), decisions):
        say(line)
    num_refused = sum(one.decision is False for one in kept_out)
    say(
        f"{gallery}: {len(found)} new pictures checked, {len(found) - len(kept_out)} enrolled, "
        f"{len(kept_out) - num_refused} in doubt, {num_refused} refused"
    )


@app.command("list")
def list_(
    gallery: GalleryUri, json_: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False
) -> None:
    """List who is enrolled, with how many pictures."""
    from autotag_core.faces.gallery import read_gallery

    known = read_gallery(storage.absolute(gallery), None)
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
def forget(
    person_id: Annotated[str, typer.Argument(help="An id, as `autotag faces list` prints it.")],
    gallery: GalleryUri,
    warehouse: Warehouse,
    elasticsearch: Annotated[str | None, typer.Option(help="The search that shows the current release.")] = None,
    index: Annotated[str, typer.Option(help="The search alias.")] = "gifs",
) -> None:
    """Take a person out of the gallery, of the current release and of search, and say what older releases hold."""
    from jobs.faces.forget_person import forget_person

    done = forget_person(person_id, storage.absolute(gallery), warehouse, elasticsearch, index)
    say(f"{gallery}: {done.num_pictures} pictures removed")
    if done.release is not None:
        say(f"{warehouse}: {done.num_gifs} GIFs named {person_id}; readers now see run {done.release.run_id} without")
    if done.held_by:
        say(f"older releases that still name {person_id}, until warehouse.keep_releases deletes them:")
        say("\n".join(f"  {run_id}" for run_id in done.held_by))


@app.command()
def find(
    files: Annotated[list[str], typer.Argument(help="Files or folders: s3a://bucket/key or a local path.")],
    gallery: GalleryUri,
    model: ModelUri = None,
    grouping: Way = "tracks",
    show: Annotated[Path | None, typer.Option(help="Also write a page with each person's best face.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Name the people in GIFs and pictures. Who is not enrolled is `unknown`.

    A file that can't be read is one line with the reason. Exit: 0, or 1 where not one file could be read.
    """
    from autotag_core.faces.finder import FaceFinder
    from autotag_core.faces.gallery import read_gallery
    from autotag_core.faces.looker import load_looker
    from autotag_core.faces.pages import people_page
    from jobs.tagger.predict_files import files_of

    if show is not None:
        check_file(show)
    uris = files_of(files)
    read_gallery(storage.absolute(gallery), None)  # what is wrong with it is said before the networks are loaded
    looker = load_looker(FacesConfig().max_frames, absolute_model(model))
    finder = FaceFinder(read_gallery(storage.absolute(gallery), looker.model_version), looker, grouping)
    places = tuple(sorted({storage.own_place(uri) for uri in uris}))
    num_read = 0

    def printed() -> Iterator[FoundPeople]:
        nonlocal num_read
        for one in finder.find_files(uris, FramesConfig(allowed_places=places)):
            say(one.to_json() if json_ else one.to_text())
            num_read += one.error is None
            yield one

    if show is None:
        deque(printed(), 0)
    else:
        write_page(show, people_page(printed()))
    if not num_read:
        raise typer.Exit(1)


@app.command()
def evaluate(
    gallery: GalleryUri,
    gifs: Annotated[str, typer.Option(help="Folder of the GIFs: s3a://bucket/prefix or a local path.")],
    truth: Annotated[str, typer.Option(help="CSV file or JSON lines: file, names of all the people in it.")],
    model: ModelUri = None,
    grouping: Way = "tracks",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure how well a gallery names the people of GIFs: exactly right GIFs, F1, strangers named.

    Each has a 95% interval. In a CSV file, names are separated by ; or |. Who is not enrolled is a stranger.
    Exit: 0, or 1 where not one file could be read.
    """
    from autotag_core.faces.finder import FaceFinder
    from autotag_core.faces.gallery import read_gallery
    from autotag_core.faces.looker import load_looker
    from jobs.faces.evaluate_people import evaluate_people, read_truth

    checked_uri(gifs)
    checked_uri(truth)
    people = read_truth(truth)
    read_gallery(storage.absolute(gallery), None)
    looker = load_looker(FacesConfig().max_frames, absolute_model(model))
    known = read_gallery(storage.absolute(gallery), looker.model_version)
    found = evaluate_people(FaceFinder(known, looker, grouping), known, gifs, people)
    for line in found.unread:
        typer.echo(shown_text(f"not read: {line}"), err=True)
    if found.strangers:
        said = names_in_a_line(found.strangers)
        typer.echo(f"strangers, since nobody enrolled is called so: {said}", err=True)
    if json_:
        say(json.dumps({"gifs": found.num_gifs, "unread": len(found.unread)} | json.loads(found.quality.to_json())))
    else:
        say(f"{found.num_gifs} GIFs, {len(found.unread)} not read\n{found.quality.to_text()}")
    if not found.num_gifs:
        raise typer.Exit(1)


def absolute_model(model: str | None) -> str | None:
    """The folder of a network as it is found from anywhere."""
    return None if model is None else storage.absolute(model)


add_training_commands(app)
