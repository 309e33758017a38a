"""`autotag faces train` and `autotag faces convert`: networks that embed faces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.faces.network.face_record import Stem
from autotag_core.terminal import shown_text
from jobs.commands.options import checked_uri
from jobs.commands.output import say


def add_training_commands(app: typer.Typer) -> None:
    """Give the app the commands."""
    app.command()(train)
    app.command()(convert)


def train(
    people: Annotated[
        str, typer.Option(help="A folder with a folder a person, or a CSV file of name, id and picture.")
    ],
    out: Annotated[str, typer.Option(help="New folder: s3a://bucket/prefix or a local path.", callback=checked_uri)],
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the pictures.")] = 100,
    stem: Annotated[Stem, typer.Option(help="The network below the embedding.")] = "resnet50",
    weights: Annotated[
        Path | None, typer.Option(help=".safetensors file of that network to start from; else drawn at random.")
    ] = None,
    side: Annotated[int, typer.Option(min=32, max=512, help="Pixels of a face's side.")] = 224,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of weights, split and order.")] = 7,
) -> None:
    """Train a network that embeds faces on a folder of people, as celeb-detection-oss did.

    Enroll and find with it by --model. A gallery that another network made is refused. It pays with many people and a
    GPU; a few pictures of a few people are enrolled without training.
    """
    from autotag_core.faces.network.face_fitting import FaceExperiment
    from jobs.faces.train_faces import train_faces

    experiment = FaceExperiment(
        stem=stem, weights=None if weights is None else str(weights), side=side, epochs=epochs, seed=seed
    )
    found = train_faces(people, out, experiment)
    for line in found.pictures.left_out:
        typer.echo(shown_text(f"left out: {line}"), err=True)
    fitted, num = found.fitted, len(found.pictures.people)
    best = fitted.epochs[fitted.best_epoch]
    say(
        f"{found.uri}: {num} people, {len(found.pictures.owners)} pictures, best in epoch {fitted.best_epoch}; of "
        f"{fitted.num_watched} watched pictures {best['validation_top_1']:.3f} are named right (chance {1 / num:.3f})"
    )


def convert(
    checkpoint: Annotated[Path, typer.Option(help="best_model_states.pkl of celeb-detection-oss.")],
    labels: Annotated[Path, typer.Option(help="Its labels.csv: Name_[m.id],index.")],
    out: Annotated[str, typer.Option(help="New folder: s3a://bucket/prefix or a local path.", callback=checked_uri)],
) -> None:
    """Convert a published checkpoint to a folder that --model takes. Convert only a file whose source you trust."""
    from autotag_core.faces.network.face_model import MODEL, write_face_model
    from autotag_core.faces.network.published_checkpoint import convert_checkpoint

    uri = storage.absolute(out)
    if storage.is_file(storage.join(uri, MODEL)):
        raise InputError(f"{out}: a {MODEL} is there already: name another folder")
    record, tensors = convert_checkpoint(checkpoint, labels)
    sha256 = write_face_model(uri, record, tensors, {})
    say(f"{out}: {record.stem}, {len(record.people)} people, sha256 {sha256}")
