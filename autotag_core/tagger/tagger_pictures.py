"""A training as pictures: its curves, and which classes are taken for each other."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MAX_SHOWN = 30
"""Classes in the picture of confusions; more can't be read."""


def curves_png(epochs: Sequence[dict[str, float]], best_epoch: int) -> bytes:
    """Losses and mAP by epoch as a PNG; a line marks the epoch that was kept."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    losses, watched = figure.subplots(1, 2)
    for axes, names in ((losses, ("train_loss", "validation_loss")), (watched, ("validation_map",))):
        for name in names:
            rows = [(row["epoch"], row[name]) for row in epochs if name in row]
            if rows:
                axes.plot(*zip(*rows, strict=True), label=name)
        axes.axvline(best_epoch, color="grey", linestyle=":", label="kept")
        axes.set_xlabel("epoch")
        axes.legend()
    return _png(figure)


def confusion_shares(
    probabilities: NDArray[np.float64], is_right: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """(the classes that are shown, (s, s) shares): of GIFs that have class i, how often class j is the first tag.

    Shown are at most MAX_SHOWN classes, those of most GIFs first; ties in the order of the classes.
    """
    counts = is_right.sum(axis=0)
    shown = np.argsort(-counts, kind="stable")[:MAX_SHOWN]
    shown = shown[counts[shown] > 0]
    first = probabilities.argmax(axis=1)
    taken = first[:, None] == shown[None]  # (n, s)
    return shown, (is_right[:, shown].T.astype(float) @ taken) / counts[shown][:, None]


def confusion_png(probabilities: NDArray[np.float64], is_right: NDArray[np.bool_], labels: Sequence[str]) -> bytes:
    """confusion_shares as a PNG."""
    from matplotlib.figure import Figure

    shown, shares = confusion_shares(probabilities, is_right)
    names = [labels[at].replace("$", r"\$") for at in shown]  # a $ would begin a formula
    side = 3 + 0.25 * len(names)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_xlabel("first tag")
    axes.set_ylabel("tag that the GIF has")
    figure.colorbar(picture, ax=axes, shrink=0.6)
    return _png(figure)


def _png(figure: object) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100, metadata={"Software": None})  # type: ignore[attr-defined]
    return file.getvalue()
