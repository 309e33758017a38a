"""Embeddings or frame features of a night -> predictions: what the tagger suggests for each GIF of the catalog."""

from __future__ import annotations

from autotag_core.config import Config
from autotag_core.errors import InputError
from autotag_core.tables import EMBEDDINGS, MEDIA, PREDICTIONS
from autotag_core.tagger.feature_check import RELATED, check_night
from autotag_core.tagger.tagger_model import TaggerModel, load_tagger
from autotag_core.tagger.trained_models import newest_model
from jobs.embeddings.embed_frames import SeenGifs
from jobs.run.run import Run
from jobs.run.stages import TASKS, stage
from udfs.tagger import predictions

NAME = "tagger"
"""Its key among the versions of a run's inputs."""


def find_tagger(warehouse: str, config: Config, model_versions: dict[str, str]) -> tuple[TaggerModel | None, str]:
    """(the tagger that a night with this config asks, its folder), or (None, why it asks none).

    InputError where the config names a tagger that is missing, damaged, or takes other features.
    """
    if not config.tagger.predict:
        return None, ""
    try:
        uri = config.tagger.model or newest_model(warehouse)
        model = load_tagger(uri)
        check_night(model.record, config, model_versions)
    except InputError as error:
        if config.tagger.model is not None:
            raise
        return None, f"asked nothing: {error}"
    return model, uri


@stage("predictions", reads=(EMBEDDINGS,), writes=(PREDICTIONS,), runs_on=TASKS, cost="new GIFs x tags")
def ask_tagger(run: Run, model: TaggerModel, seen: SeenGifs) -> None:
    """Predict the tags of every GIF whose features there are. What the base says of the same GIFs by this tagger stays.

    A tagger over means reads the embeddings, and over sequences the staged features of each frame.
    """
    run.expect(run.facts.rows_out["frames"])
    is_same = not _is_new(run)
    if is_same and run.tables.is_adopted(MEDIA):
        run.tables.adopt(PREDICTIONS)
        run.facts.rows_out["predictions"] = run.tables.num_rows(PREDICTIONS)
        return
    features_df = (
        predictions.frames_of(seen.outcomes_df)
        if model.record.experiment.needs_frames
        else predictions.means_of(run.tables.read(EMBEDDINGS))
    )
    if not is_same or seen.same_df is None:
        run.facts.rows_out["predictions"] = run.tables.write(PREDICTIONS, predictions.predict_tags(features_df, model))
        return
    kept_df = run.tables.read_base(PREDICTIONS).join(seen.same_df, "gif_id", "left_semi")
    new_df = features_df.join(seen.same_df, "gif_id", "left_anti")
    rows_df = kept_df.unionByName(predictions.predict_tags(new_df, model))
    run.facts.rows_out["predictions"] = run.tables.write(PREDICTIONS, rows_df)


def asked_again(run: Run, model: TaggerModel | None) -> frozenset[str]:
    """The expert that shall look again at GIFs that the base knows, so that a new tagger over sequences sees them."""
    return frozenset({RELATED}) if model and model.record.experiment.needs_frames and _is_new(run) else frozenset()


def _is_new(run: Run) -> bool:
    """Whether the base, if there is one, was not asked by this run's tagger."""
    versions = run.facts.inputs.versions
    return run.base is None or run.base.inputs.versions.get(NAME) != versions.get(NAME)
