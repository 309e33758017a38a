"""`make run`: trains a tagger on the release, and shows what it suggests for GIFs that it has not seen."""

from __future__ import annotations

import typer

from autotag_core.errors import InputError, NotTrainedError
from autotag_core.evaluation import read_truth
from autotag_core.splits import TEST
from autotag_core.tables import CATALOG
from autotag_core.tagger.experiment import Experiment
from autotag_core.tagger.tagger_data import no_progress
from autotag_core.warehouse import current_release, read_table
from jobs.commands.output import say
from jobs.tagger.predict_files import open_predictor, predict_files
from jobs.tagger.train_tagger import TrainRequest, train_tagger

NUM_GIFS, NUM_TAGS = 3, 4


def show_tagger(tables: str, truth: str) -> None:
    """Train with the default experiment, and print its P@1 and the tags of NUM_GIFS test GIFs beside the true ones.

    A release that is too small, or has no examples, is no error: one line says why there is no tagger.
    """
    try:
        trained = train_tagger(TrainRequest(tables, None, Experiment()), no_progress)
    except (InputError, NotTrainedError) as error:
        say(f"\nNo tagger was trained: {error}")
        return
    measures = trained.measured.metrics.measures
    typer.echo(
        f"\nA tagger trained on this release in {trained.seconds:.0f} s (autotag train): its first tag is right for "
        f"{measures['p_at_1'].value:.0%} of {trained.measured.metrics.num_gifs} {trained.measured.split} GIFs. "
        f"Suggested for GIFs that it has not seen (autotag predict), * is accepted:"
    )
    catalog = read_table(tables, CATALOG.name, current_release(tables), ["gif_id", "uri", "split"]).sort_by("gif_id")
    rows = [row for row in catalog.to_pylist() if row["split"] == TEST][:NUM_GIFS]
    true_tags = {row["gif_id"]: row["tags"] for row in read_truth(truth).to_pylist()}
    predictor, _ = open_predictor(trained.uri, None, Experiment().threads)
    found = predict_files(predictor, [row["uri"] for row in rows], NUM_TAGS, keep_pictures=False)
    for row, prediction in zip(rows, found, strict=True):
        say(f"  {prediction.to_text()}")
        say(f"    true: {', '.join(true_tags.get(row['gif_id'], []))}")
