"""When a night names people again, by what the base noted."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from autotag_core.config import FacesConfig
from autotag_core.faces.gallery import Gallery
from autotag_core.tables import FACES
from jobs.faces.name_people import Detector, looked_again
from udfs.embeddings.frames import FACES as LOOK

DETECTOR = Detector(Gallery((), np.empty(0, np.int64), np.empty((0, 128), np.float32), 0), "networks-20")


def run(base: str, **now: object) -> SimpleNamespace:
    """A run on a base with this config, which looked with the same networks and named by the same gallery."""
    inputs = SimpleNamespace(versions=DETECTOR.versions)

    def read_base(table: object) -> None:
        raise LookupError("looks for faces without embeddings")

    return SimpleNamespace(
        base=SimpleNamespace(config=base, inputs=inputs, table_versions={FACES.name: 0}),
        facts=SimpleNamespace(inputs=inputs),
        config=SimpleNamespace(faces=FacesConfig.model_validate(now)),
        tables=SimpleNamespace(read_base=read_base),
    )


def test_a_base_of_the_same_settings_is_kept_also_one_from_before_there_was_a_grouping() -> None:
    for base in ('{"faces": {"grouping": "tracks"}}', '{"faces": {}}', "{}"):
        assert looked_again(run(base), DETECTOR) == (frozenset(), None)  # type: ignore[arg-type]


@pytest.mark.parametrize("now", [{"grouping": "published"}, {"keep_unknown": True}])
def test_another_grouping_looks_again_where_embeddings_were_not_kept(now: dict[str, object]) -> None:
    with pytest.raises(LookupError, match="without embeddings"):
        looked_again(run('{"faces": {}}', **now), DETECTOR)  # type: ignore[arg-type]


def test_other_networks_look_at_all_again() -> None:
    other = Detector(DETECTOR.gallery, "others-20")
    changed = run("{}")
    changed.facts.inputs = SimpleNamespace(versions=other.versions)
    assert looked_again(changed, other) == (frozenset({LOOK}), None)  # type: ignore[arg-type]
