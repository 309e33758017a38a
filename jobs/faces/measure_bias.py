"""A gallery, people's attributes and held-out pictures in; a report on bias out."""

from __future__ import annotations

from dataclasses import dataclass

from autotag_core import storage
from autotag_core.config import FramesConfig
from autotag_core.faces.bias.attributes import read_attributes, read_reference
from autotag_core.faces.bias.groups import BiasReport, HeldOutPicture, report_bias
from autotag_core.faces.enrolling import CheckedPicture, PictureChecker
from autotag_core.faces.gallery import Gallery, as_gallery, gallery_rows
from autotag_core.faces.looker import load_looker
from jobs.faces.list_pictures import list_pictures


@dataclass(frozen=True)
class BiasRequest:
    """What `autotag faces bias` was asked."""

    gallery: str
    attributes: str
    reference: str | None
    pictures: str
    """A folder with a folder a person, or a CSV file, as `list_pictures` takes them."""
    model: str | None = None
    """The network that made the gallery. None: the default."""


def measure_bias(request: BiasRequest) -> BiasReport:
    """The report. Pictures are looked at one by one, about 0.1 s each; the largest face of each counts.

    InputError where a file is wrong, where no gallery is there, and where no picture can be used.
    """
    rows = gallery_rows(request.gallery)
    people = as_gallery(*rows, None, request.gallery).people
    groups = read_attributes(request.attributes, people)
    reference = read_reference(request.reference) if request.reference else {}
    pictures = list_pictures(request.pictures)
    looker = load_looker(1, request.model)  # after what may be wrong with the files: it takes seconds
    gallery = as_gallery(*rows, looker.model_version, request.gallery)
    enrolled, known = set(rows[0]["picture"].to_pylist()), {person_id for person_id, _ in people}
    places = tuple(sorted({storage.own_place(picture.uri) for picture in pictures}))
    shown = [picture for picture in pictures if picture.person_id in known]
    checked = PictureChecker(FramesConfig(allowed_places=places), looker.embedder).check(shown)
    found = [_held_out(one, gallery) for one in checked if one.key and one.key not in enrolled]
    return report_bias(found, groups, reference, len(pictures) - len(found))


def _held_out(one: CheckedPicture, gallery: Gallery) -> HeldOutPicture:
    named = None if one.embedding is None else gallery.nearest(one.embedding[None])
    return HeldOutPicture(
        one.picture.person_id,
        one.embedding is not None,
        named.person_id if named is not None and named.is_known else None,
    )
