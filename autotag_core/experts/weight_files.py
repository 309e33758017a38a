"""Network weights on disk: safetensors only, since a pickled state dict can run code when it is loaded.

`python -m autotag_core.experts.weight_files OLD.pth NEW.safetensors` converts an old file that you trust, outside the
job.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotag_core import storage
from autotag_core.errors import InputError

if TYPE_CHECKING:
    import torch

_LENGTH_BYTES = 8


def file_sha256(path: Path) -> str:
    """Hex sha256 of the file; InputError where it can't be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"weights {path}: {error.strerror}") from None


def read_weights(path: Path, shown: str | None = None) -> dict[str, torch.Tensor]:
    """The tensors of a .safetensors file by name. InputError, which calls it `shown`, for a damaged or other file."""
    import safetensors.torch

    if path.suffix != ".safetensors":
        raise InputError(
            f"weights {shown or path}: only .safetensors is loaded, a pickled file can run code; convert one you trust "
            f"with `python -m autotag_core.experts.weight_files {path.name} {path.name.partition('.')[0]}.safetensors`"
        )
    with _damage_named(shown or path):
        # read the bytes, no memory map: a file that is replaced while it is mapped would end the process
        return safetensors.torch.load(path.read_bytes())


def read_metadata(path: Path, shown: str | None = None) -> dict[str, str]:
    """The strings that the file's writer put beside the tensors; empty where there are none. Errors as read_weights."""
    import safetensors

    with _damage_named(shown or path), safetensors.safe_open(path, framework="pt") as file:
        return dict(file.metadata() or {})


@dataclass(frozen=True)
class FetchedWeights:
    """What a .safetensors file holds."""

    tensors: dict[str, torch.Tensor]
    metadata: dict[str, str]
    sha256: str
    """Hex, of the file."""


def fetch_weights(uri: str) -> FetchedWeights:
    """A .safetensors file, local or S3. InputError where it is missing or damaged.

    A file with its sha256 in a file beside it, as sha256sum writes it, must have that one.
    """
    with tempfile.TemporaryDirectory(prefix=storage.SCRATCH) as folder:
        path = Path(folder, uri.rpartition("/")[2] or "weights")
        storage.download_file(uri, path)
        sha256 = file_sha256(path)
        if storage.is_file(f"{uri}.sha256"):
            wanted = storage.read_bytes(f"{uri}.sha256").decode(errors="replace").split()
            if wanted[:1] != [sha256]:
                raise InputError(f"{uri}: damaged: its sha256 is {sha256}, when it was saved {wanted[:1]}")
        return FetchedWeights(read_weights(path, uri), read_metadata(path, uri), sha256)


@contextmanager
def _damage_named(shown: Path | str) -> Iterator[None]:
    from safetensors import SafetensorError

    try:
        yield
    except OSError as error:
        raise InputError(f"weights {shown}: {error.strerror or str(error).partition(':')[0]}") from None
    except (SafetensorError, KeyError, ValueError) as error:  # KeyError: a dtype that torch has not
        raise InputError(f"weights {shown}: not a whole safetensors file ({' '.join(str(error).split())})") from None


def weights_as_bytes(tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """Tensors and strings as a .safetensors file: equal ones give equal bytes.

    Tensors that share memory are each written in full. InputError for sparse or quantised ones.
    """
    import safetensors.torch
    import torch

    try:
        alone = {
            name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()
        }
        data: bytes = safetensors.torch.save(alone, dict(metadata) if metadata else None)
    except (KeyError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"weights: safetensors holds dense tensors of common types alone ({reason})") from None
    return _with_sorted_metadata(data) if metadata and len(metadata) > 1 else data


def _with_sorted_metadata(data: bytes) -> bytes:
    """The file with its strings in sorted order: the package's order differs from process to process."""
    start = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "little")
    header = json.loads(data[_LENGTH_BYTES:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % _LENGTH_BYTES)  # tensors start at a multiple of 8, as the format asks of writers
    return len(text).to_bytes(_LENGTH_BYTES, "little") + text + data[start:]


def write_weights(tensors: Mapping[str, torch.Tensor], path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write tensors and strings as .safetensors: equal ones give equal files. The file appears only when whole."""
    data = weights_as_bytes(tensors, metadata)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        raise InputError(f"weights {path}: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)


def filled(build: Callable[[], Any], tensors: Mapping[str, torch.Tensor], name: str) -> Any:
    """The module that `build` makes, in evaluation mode, with these tensors as its own. InputError where they differ.

    It is built without memory and compared first: drawing random first values takes longer than reading the file.
    """
    import torch

    with torch.device("meta"):
        module = build()
    wanted = module.state_dict()
    problems = [f"{key} is missing" for key in wanted if key not in tensors]
    problems += [f"{key} is unknown" for key in tensors if key not in wanted]
    problems += [
        f"{key} is {tuple(tensors[key].shape)}, it must be {tuple(wanted[key].shape)}"
        for key in wanted
        if key in tensors and tensors[key].shape != wanted[key].shape
    ]
    if problems:
        raise InputError(f"these are not weights of {name}: {problems[0]} ({len(problems)} such mismatches)")
    module = module.to_empty(device="cpu")
    module.load_state_dict(tensors)
    return module.eval().requires_grad_(False)


def convert_state_dict(path: Path, out: Path) -> str:
    """Convert a .pth state dict, also one under the key state_dict, to .safetensors; gives the new file's sha256.

    torch.load(weights_only=True) has been bypassed before: convert only a file whose source you trust.
    """
    import pickle

    import torch

    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"weights {path}: {error.strerror}") from None
    except (RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise InputError(f"weights {path}: not a state dict of tensors alone ({str(error).splitlines()[0]})") from None
    if isinstance(loaded, Mapping) and isinstance(loaded.get("state_dict"), Mapping):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, Mapping) or not all(isinstance(value, torch.Tensor) for value in loaded.values()):
        raise InputError(f"weights {path}: not a state dict: it must map names to tensors")
    write_weights(loaded, out)
    return file_sha256(out)


def main(arguments: list[str]) -> int:
    """The command: converts one file and prints the new file's sha256."""
    if len(arguments) != 2:
        print("usage: python -m autotag_core.experts.weight_files OLD.pth NEW.safetensors", file=sys.stderr)
        return InputError.exit_code
    try:
        print(f"sha256 {convert_state_dict(Path(arguments[0]), Path(arguments[1]))}  {arguments[1]}")
    except InputError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
