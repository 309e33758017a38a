"""A trained head: saved and loaded it embeds the same, and a file that does not fit is named."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.experts import HeadRecord, RelationHead, load_head, save_head, write_weights
from autotag_core.experts.temporal.relations import MultiScaleRelations

RECORD = HeadRecord(
    feature_dim=3,
    num_segments=4,
    bottleneck=5,
    num_classes=2,
    tags=("jump", "ñandú"),
    backbone="imagenet",
    backbone_version="efficientnet_lite0-579344248a93-fp32",
    seed=7,
    metrics={"accuracy": 0.5},
)


def head(**changes: object) -> RelationHead:
    record = RECORD.model_copy(update=changes)
    torch.manual_seed(1)
    relations = MultiScaleRelations(record.feature_dim, record.num_segments, record.bottleneck, record.num_classes)
    projection = None
    if record.projected_from:
        projection = np.random.default_rng(4).normal(size=(record.projected_from, 3)).astype(np.float32)
    return RelationHead(record, relations.requires_grad_(False), projection)


def gif(num_frames: int, dimension: int = 3) -> np.ndarray:
    return np.random.default_rng(num_frames).normal(size=(num_frames, dimension)).astype(np.float32)


@pytest.mark.parametrize("changes", [{}, {"centered": True}, {"projected_from": 6, "centered": True}])
def test_a_saved_head_embeds_the_same_bits_and_keeps_its_record(tmp_path: Path, changes: dict[str, object]) -> None:
    made, uri = head(**changes), str(tmp_path / "head.safetensors")
    sha256 = save_head(made, uri)
    assert sha256 == hashlib.sha256(Path(uri).read_bytes()).hexdigest()
    loaded = load_head(uri)
    assert loaded.record == made.record
    assert loaded.version == made.version == f"trn-imagenet-{sha256[:12]}-fp32"
    for num_frames in (2, 3, 16):
        frames = gif(num_frames, loaded.input_dim)
        embedding, before = loaded.embed(frames), made.embed(frames)
        assert embedding is not None and before is not None
        assert embedding.tobytes() == before.tobytes()
        assert (embedding.shape, embedding.dtype) == ((loaded.dimension,), np.float32) == ((15,), np.float32)
        assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-6)


def test_a_head_that_was_loaded_is_saved_to_the_same_bytes(tmp_path: Path) -> None:
    made = head(projected_from=6)
    save_head(made, str(tmp_path / "head.safetensors"))
    assert load_head(str(tmp_path / "head.safetensors")).to_bytes() == made.to_bytes()


def test_a_gif_in_which_nothing_happens_has_no_embedding() -> None:
    for centered in (False, True):
        assert head(centered=centered).embed(gif(1)) is None
        assert head(centered=centered).embed(gif(1).repeat(5, axis=0)) is None
    assert head().embed(gif(2)) is not None


def test_a_centered_head_sees_what_changes_and_not_what_stays() -> None:
    frames, away = gif(6), np.array([3, -2, 1], np.float32)
    centered, plain = head(centered=True), head()
    np.testing.assert_allclose(centered.embed(frames), centered.embed(frames + away), atol=1e-5)
    assert not np.allclose(plain.embed(frames), plain.embed(frames + away), atol=0.01)


def test_backwards_is_another_embedding() -> None:
    frames = gif(8)
    forward, backward = head().embed(frames), head().embed(frames[::-1])
    assert forward is not None and backward is not None and float(forward @ backward) < 0.99


def test_features_of_another_network_are_refused() -> None:
    with pytest.raises(InputError, match=r"frames of 4 numbers, trn-imagenet-.* takes 3"):
        head().embed(gif(2, 4))
    head().check_backbone("efficientnet_lite0-579344248a93-fp32")
    with pytest.raises(InputError, match=r"trained on features of efficientnet_lite0-579344248a93-fp32, not of r50"):
        head().check_backbone("r50")


def test_a_head_lives_in_a_bucket_too(bucket: str) -> None:
    sha256 = save_head(head(), f"{bucket}/heads/head.safetensors")
    assert load_head(f"{bucket}/heads/head.safetensors").file_sha256 == sha256
    with pytest.raises(InputError, match=rf"{bucket}/gone\.safetensors: there is no such object"):
        load_head(f"{bucket}/gone.safetensors")


def test_a_missing_damaged_or_foreign_file_is_named_in_one_line(tmp_path: Path) -> None:
    uri = str(tmp_path / "x.safetensors")
    with pytest.raises(InputError, match=r"x\.safetensors: there is no such file"):
        load_head(uri)
    data = head().to_bytes()
    for damaged, said in (
        (data[:-1], "not a whole safetensors file"),
        (b"", "not a whole safetensors file"),
        (data.replace(b'num_segments\\":4', b'num_segments\\":1'), "its record is wrong: num_segments"),
        (data.replace(b'num_classes\\":2', b'num_classes\\":3'), "2 tags for 3 classes"),
        (data.replace(b'bottleneck\\":5', b'bottleneck\\":6'), r"0\.1\.weight is \(5, 12\), it must be \(6, 12\)"),
        (data.replace(b'projected_from\\":null', b'projected_from\\":9876'), r"projection is None.*\(9876, 3\)"),
        (data.replace(b"fc_fusion_scales.2.3.bias", b"fc_fusion_scales.9.3.bias"), r"2\.3\.bias is missing"),
    ):
        assert damaged != data
        storage.write_bytes(uri, damaged)
        with pytest.raises(InputError, match=said) as error:
            load_head(uri)
        assert "x.safetensors" in str(error.value) and "\n" not in str(error.value)
    write_weights({"x": torch.zeros(1)}, Path(uri))
    with pytest.raises(InputError, match=r"x\.safetensors: not a head of a temporal relation network"):
        load_head(uri)


def test_a_head_with_other_numbers_than_it_was_saved_with_is_refused(tmp_path: Path) -> None:
    uri = str(tmp_path / "x.safetensors")
    data = head(projected_from=6).to_bytes()
    flipped = bytearray(data)
    flipped[-2] ^= 1
    without = data.replace(b'"sha256":', b'"sha257":')
    for damaged in (bytes(flipped), data.replace(b'seed\\":7', b'seed\\":8'), without):
        assert damaged != data
        storage.write_bytes(uri, damaged)
        with pytest.raises(InputError, match=r"x\.safetensors: damaged: the sha256 of its content is") as error:
            load_head(uri)
        assert "\n" not in str(error.value)


def test_a_record_that_asks_for_terabytes_is_refused_before_they_are_taken(tmp_path: Path) -> None:
    wrong = RelationHead(RECORD.model_copy(update={"feature_dim": 10**9, "bottleneck": 10**6}), head().relations)
    save_head(wrong, str(tmp_path / "x.safetensors"))
    with pytest.raises(InputError, match=r"it must be \(1000000, 4000000000\)"):
        load_head(str(tmp_path / "x.safetensors"))
