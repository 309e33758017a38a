"""Files and folders in; a trained tagger's predictions out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.tagger.predictor import Prediction, Predictor
from autotag_core.tagger.tagger_model import load_tagger
from autotag_core.tagger.trained_models import newest_model

_SUFFIXES = (".gif", ".png", ".jpg", ".jpeg", ".webp", ".avif", ".mp4", ".webm")
"""Files of a folder that are asked about; a file that is named itself may have any name."""


def open_predictor(model: str | None, warehouse: str | None, threads: int) -> tuple[Predictor, str]:
    """(the tagger, its URI): of the given run folder or file, or the one trained last in the warehouse."""
    uri = chosen_model(model, warehouse)
    return Predictor(load_tagger(uri), threads), uri


def chosen_model(model: str | None, warehouse: str | None) -> str:
    """URI of the given run folder or file, or of the tagger trained last in the warehouse. InputError without both."""
    if model is None and warehouse is None:
        raise InputError("name a tagger with --model FOLDER, or a --warehouse whose newest one is taken")
    return storage.absolute(model) if model is not None else newest_model(storage.absolute(str(warehouse)))


def files_of(names: Sequence[str]) -> list[str]:
    """URIs of the named files, and of the pictures below named folders, each once, in their order.

    InputError where a folder holds none.
    """
    found: list[str] = []
    for name in names:
        storage.check_uri(name)
        uri = storage.absolute(name)
        if _is_folder(name, uri):
            below = sorted(one for one in storage.list_files(uri, any_kind=True) if one.lower().endswith(_SUFFIXES))
            if not below:
                raise InputError(f"{name}: no picture in this folder; files must end in {', '.join(_SUFFIXES)}")
            found += below
        else:
            found.append(uri)
    return list(dict.fromkeys(found))


def predict_files(predictor: Predictor, uris: Sequence[str], top: int, keep_pictures: bool) -> Iterator[Prediction]:
    """The prediction of each URI in order. Who names a file on the command line may read it: its place is allowed."""
    places = sorted({storage.own_place(uri) for uri in uris})
    return predictor.predict(uris, top, places, keep_pictures)


def _is_folder(name: str, uri: str) -> bool:
    if name.endswith("/"):
        return True
    return not storage.is_s3(uri) and storage.local_path(uri).is_dir()
