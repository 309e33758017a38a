"""A folder of people in; a network that embeds faces out, in a folder of its own."""

from __future__ import annotations

from dataclasses import dataclass

from autotag_core import storage
from autotag_core.config import FramesConfig
from autotag_core.errors import InputError
from autotag_core.faces.network.face_fitting import FaceExperiment, FittedFaces, check_weights, fit_faces
from autotag_core.faces.network.face_model import MODEL, write_face_model
from autotag_core.faces.network.face_model_files import face_record, training_files
from autotag_core.faces.network.face_pictures import FacePictures, read_pictures
from autotag_core.faces.packages import not_installed
from jobs.faces.list_pictures import list_pictures


@dataclass(frozen=True, eq=False)
class TrainedFaces:
    """A network that was trained: where it is, and what it was made of."""

    uri: str
    sha256: str
    pictures: FacePictures
    fitted: FittedFaces


def train_faces(people: str, out: str, experiment: FaceExperiment) -> TrainedFaces:
    """Find the faces, train, write. `people`: see list_pictures. Needs no network.

    InputError where a model is in the folder `out` already, where it can't be written to, where weights don't fit, or
    where the pictures can't teach anything. Only the last is seen after faces were looked for, which may take hours.
    """
    uri = storage.absolute(out)
    if storage.is_file(storage.join(uri, MODEL)):
        raise InputError(f"{out}: a {MODEL} is there already: name another folder")
    listed = list_pictures(people)
    if experiment.weights is not None:
        check_weights(experiment.stem, experiment.weights)
    storage.write_bytes(storage.join(uri, "experiment.json"), experiment.model_dump_json(indent=1).encode())
    places = tuple(sorted({storage.own_place(picture.uri) for picture in listed}))
    try:
        pictures = read_pictures(listed, experiment.side, FramesConfig(allowed_places=places))
    except ImportError as error:
        raise not_installed(error.name or "a package") from None
    fitted = fit_faces(pictures, experiment)
    record = face_record(pictures, experiment, fitted)
    files = training_files(pictures, experiment, fitted)
    return TrainedFaces(uri, write_face_model(uri, record, fitted.network.state_dict(), files), pictures, fitted)
