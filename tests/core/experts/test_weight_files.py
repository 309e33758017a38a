"""Weight files: what is written is read back, damage is named, a pickle is never opened by the loader."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from autotag_core.errors import InputError
from autotag_core.experts.weight_files import (
    convert_state_dict,
    file_sha256,
    main,
    read_metadata,
    read_weights,
    write_weights,
)

TENSORS = {
    "conv.weight": torch.arange(24, dtype=torch.float32).reshape(2, 3, 2, 2) / 7,
    "bn.num_batches_tracked": torch.tensor(5),
    "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "empty": torch.empty(0, 4),
    "flags": torch.tensor([True, False, True]),
}


def test_tensors_come_back_with_their_dtypes_shapes_and_bits(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    write_weights(TENSORS, path)
    loaded = read_weights(path)
    assert loaded.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert (loaded[name].dtype, loaded[name].shape) == (tensor.dtype, tensor.shape)
        assert torch.equal(loaded[name], tensor)


def test_equal_tensors_and_strings_give_equal_files_in_every_process(tmp_path: Path) -> None:
    metadata = {key: key * 3 for key in "wqrtypasd"}
    write_weights(TENSORS, tmp_path / "a.safetensors", metadata)
    backwards = {name: TENSORS[name].clone() for name in reversed(TENSORS)}
    write_weights(backwards, tmp_path / "b.safetensors", dict(reversed(metadata.items())))
    assert file_sha256(tmp_path / "a.safetensors") == file_sha256(tmp_path / "b.safetensors")
    header = (tmp_path / "a.safetensors").read_bytes()[8:]
    assert header.startswith(b'{"__metadata__":{"a":"aaa","d":"ddd","p":"ppp","q":"qqq","r":"rrr","s":"sss","t"')
    assert all(torch.equal(read_weights(tmp_path / "a.safetensors")[name], TENSORS[name]) for name in TENSORS)


def test_strings_beside_the_tensors_come_back(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    write_weights(TENSORS, path)
    assert read_metadata(path) == {}
    for metadata in ({"record": '{"tags": ["señal"]}'}, {"b": "2", "a": "ñ"}):
        write_weights(TENSORS, path, metadata)
        assert read_metadata(path) == metadata


def test_tensors_that_share_memory_or_are_transposed_are_written_each_on_its_own(tmp_path: Path) -> None:
    matrix = torch.arange(6.0).reshape(2, 3)
    write_weights({"a": matrix, "same": matrix, "turned": matrix.T, "row": matrix[1]}, tmp_path / "x.safetensors")
    loaded = read_weights(tmp_path / "x.safetensors")
    assert loaded["same"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert (loaded["turned"].tolist(), loaded["row"].tolist()) == ([[0, 3], [1, 4], [2, 5]], [3, 4, 5])


def test_a_tensor_that_the_format_has_no_type_for_is_refused(tmp_path: Path) -> None:
    for tensor in (torch.zeros(2, dtype=torch.complex128), torch.eye(2).to_sparse()):
        with pytest.raises(InputError, match="dense tensors of common types alone") as error:
            write_weights({"x": tensor}, tmp_path / "x.safetensors")
        assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone/x\.safetensors: No such file"):
        write_weights(TENSORS, tmp_path / "gone" / "x.safetensors")


@pytest.mark.parametrize(
    "header", [b"", b"oops", b"[]", b'{"x":{"dtype":"Q4","shape":[1],"data_offsets":[0,4]}}', b'{"x":{"dtype":"F4"']
)
@pytest.mark.parametrize("read", [read_weights, read_metadata])
def test_a_damaged_file_is_one_clear_line(tmp_path: Path, header: bytes, read: Callable[..., object]) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 4)
    with pytest.raises(InputError, match=r"s3a://b/head: not a whole safetensors file") as error:
        read(path, "s3a://b/head")
    assert "\n" not in str(error.value)


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    write_weights(TENSORS, path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"weights\.safetensors: not a whole safetensors file"):
        read_weights(path)


def test_a_pickled_file_is_refused_with_the_command_that_converts_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"python -m autotag_core\.experts\.weight_files old\.pth old\.safetensors"):
        read_weights(tmp_path / "old.pth")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for read in (read_weights, read_metadata, file_sha256):
        with pytest.raises(InputError, match=r"gone\.safetensors: No such file"):
            read(tmp_path / "gone.safetensors")


@pytest.mark.parametrize("wrapped", [False, True])
def test_converting_keeps_every_tensor_and_says_the_hash(
    tmp_path: Path, wrapped: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old.pth", tmp_path / "new.safetensors"
    torch.save({"state_dict": TENSORS, "epoch": 3} if wrapped else TENSORS, old)
    assert main([str(old), str(new)]) == 0
    assert file_sha256(new) in capsys.readouterr().out
    loaded = read_weights(new)
    assert all(torch.equal(loaded[name], tensor) for name, tensor in TENSORS.items())


class _Malicious:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("ran"),)  # type: ignore[return-value]


def test_converting_refuses_a_pickle_that_would_run_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"x": _Malicious()}, "old.pth")
    with pytest.raises(InputError, match="not a state dict of tensors alone"):
        convert_state_dict(Path("old.pth"), Path("new.safetensors"))
    assert not Path("ran").exists()
    assert not Path("new.safetensors").exists()
    torch.load("old.pth", weights_only=False)  # the file does run code for a loader that allows it
    assert Path("ran").exists()


def test_converting_a_file_of_something_else_fails(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(InputError, match="must map names to tensors"):
        convert_state_dict(tmp_path / "list.pth", tmp_path / "new.safetensors")
    (tmp_path / "text.pth").write_bytes(b"no pickle")
    assert main([str(tmp_path / "text.pth"), str(tmp_path / "new.safetensors")]) == 2
