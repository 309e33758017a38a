"""The report on bias from real pictures."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from autotag_core.errors import InputError
from jobs.faces.enroll_people import enroll_people
from jobs.faces.measure_bias import BiasRequest, measure_bias


@pytest.fixture
def request_(shared_data: Path, tmp_path: Path) -> BiasRequest:
    """Two people of three pictures, one of them enrolled; a picture of nobody, and a stranger's."""
    source = shared_data / "faces"
    if not source.is_dir():
        pytest.skip("no real faces")
    for person in ("s1", "s2"):
        for number in (1, 2, 3):
            for folder in ("pictures", "people") if number == 1 else ("pictures",):
                (tmp_path / folder / person).mkdir(parents=True, exist_ok=True)
                shutil.copy(source / person / f"{number}.png", tmp_path / folder / person)
    (tmp_path / "pictures" / "s3").mkdir()
    shutil.copy(source / "s3" / "1.png", tmp_path / "pictures" / "s3")
    Image.new("RGB", (92, 112), "green").save(tmp_path / "pictures" / "s2" / "8.png")
    (tmp_path / "pictures" / "s2" / "9.png").write_bytes(b"no picture")
    (tmp_path / "a.csv").write_text("person,attribute,value\ns1,hair,short\ns2,hair,long\n")
    enroll_people(str(tmp_path / "people"), str(tmp_path / "gallery"))
    names = ("gallery", "a.csv", "pictures")
    gallery, attributes, pictures = (str(tmp_path / name) for name in names)
    return BiasRequest(gallery, attributes, None, pictures)


def test_held_out_pictures_of_enrolled_people_are_counted(request_: BiasRequest) -> None:
    report = measure_bias(request_)
    assert {
        one.group.value: [(rate.num, rate.of) for rate in (one.people, *one.rates.values())] for one in report.groups
    } == {"short": [(1, 2), (2, 2), (2, 2), (0, 2)], "long": [(1, 2), (2, 3), (2, 3), (0, 3)]}
    assert (report.num_pictures, report.num_left_out) == (5, 4)


def test_a_folder_without_a_gallery_is_refused(request_: BiasRequest, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no gallery there"):
        measure_bias(BiasRequest(str(tmp_path / "none"), request_.attributes, None, request_.pictures))
