"""What a training of faces leaves beside its model: the curves, and a page for people."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from autotag_core.faces.network.face_fitting import FaceExperiment, FittedFaces
from autotag_core.faces.network.face_network import CENTER_WEIGHT, DIMENSION
from autotag_core.faces.network.face_pictures import MARGIN, FacePictures
from autotag_core.faces.network.face_record import FaceRecord


def face_record(pictures: FacePictures, experiment: FaceExperiment, fitted: FittedFaces) -> FaceRecord:
    """What the network is."""
    return FaceRecord(
        stem=experiment.stem,
        side=experiment.side,
        margin=MARGIN,
        scale=fitted.scale,
        people=pictures.people,
        source="trained",
    )


def training_files(pictures: FacePictures, experiment: FaceExperiment, fitted: FittedFaces) -> Mapping[str, bytes]:
    """The files by name: every choice, what each epoch measured as a table and a picture, the card."""
    return {
        "experiment.json": experiment.model_dump_json(indent=1).encode(),
        "epochs.csv": _epochs_csv(fitted.epochs),
        "curves.png": curves_png(fitted.epochs, fitted.best_epoch),
        "model_card.md": _card(pictures, experiment, fitted).encode(),
    }


def _epochs_csv(epochs: list[dict[str, float]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(epochs[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(epochs)
    return file.getvalue().encode()


def curves_png(epochs: list[dict[str, float]], best_epoch: int) -> bytes:
    """Losses and shares of right people by epoch as a PNG; a line marks the epoch that was kept."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    losses, shares = figure.subplots(1, 2)
    for axes, names in (
        (losses, ("train_loss", "validation_loss")),
        (shares, ("validation_top_1", "validation_top_5")),
    ):
        for name in names:
            axes.plot([row["epoch"] for row in epochs], [row[name] for row in epochs], label=name)
        axes.axvline(best_epoch, color="grey", linestyle=":", label="kept")
        axes.set_xlabel("epoch")
        axes.legend()
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100, metadata={"Software": None})
    return file.getvalue()


def _card(pictures: FacePictures, experiment: FaceExperiment, fitted: FittedFaces) -> str:
    best, num = fitted.epochs[fitted.best_epoch], len(pictures.people)
    start = "weights drawn at random" if experiment.weights is None else f"the weights in {experiment.weights}"
    return "\n".join(
        [
            "# A network that embeds faces",
            "",
            f"{experiment.stem} with a layer of {DIMENSION} numbers, from {start}: softmax over people with a",
            f"centre loss (weight {CENTER_WEIGHT}), on chips of {experiment.side} pixels with a margin of {MARGIN}.",
            "",
            "## Data",
            "",
            f"- {len(pictures.owners)} pictures of {num} people; {len(pictures.left_out)} further pictures left out",
            f"- {fitted.num_watched} of the pictures, drawn by the seed, were watched and not learned",
            "",
            f"## Measured on the watched pictures, epoch {fitted.best_epoch} of {len(fitted.epochs)}",
            "",
            f"- right person first: {best['validation_top_1']:.3f} (chance {1 / num:.3f})",
            f"- among the first five: {best['validation_top_5']:.3f}",
            "",
            "## Limits",
            "",
            "- The watched pictures also chose the epoch and the length of the embeddings: the figures flatter it.",
            "- They show the people who were learned. Others, enrolled later, are told apart less well.",
            "- Error rates differ between groups of people. Measure them before names are shown to anybody.",
            "- Faces are biometric data: who is in the pictures must be asked, or another legal ground be there.",
            "",
        ]
    )
