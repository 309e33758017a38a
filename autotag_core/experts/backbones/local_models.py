"""A vision model from a local folder as the frame network: CLIP, SigLIP, DINO and what else transformers or timm have.

The folder is what `save_pretrained` of transformers, or timm's export for its hub, writes: config.json,
model.safetensors, and for transformers the settings of its image processor. Nothing is downloaded, no code of the
folder is run, and no pickle is read.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotag_core.config import ImagenetConfig
from autotag_core.errors import InputError
from autotag_core.experts.backbones.forms import Channels, Form
from autotag_core.experts.weight_files import file_sha256, read_weights

if TYPE_CHECKING:
    import torch

CONFIG, WEIGHTS = "config.json", "model.safetensors"
PROCESSORS = ("preprocessor_config.json", "processor_config.json")
"""Where transformers keeps how pixels are prepared; the second since version 5."""


@dataclass(frozen=True)
class LocalModel:
    """A folder whose files were read, all but the weights."""

    folder: Path
    settings: Mapping[str, Any]
    mean: Channels
    std: Channels
    """Both on the 0..255 scale."""
    size: int
    """Height and width of its pixels."""

    @property
    def is_timm(self) -> bool:
        """Whether timm builds it, and not transformers."""
        return "architecture" in self.settings and "model_type" not in self.settings


def read_folder(config: ImagenetConfig) -> LocalModel:
    """The folder of imagenet.weights. InputError names the file that is missing or not as it must be."""
    folder = Path(config.weights or "")
    settings = _read_json(folder / CONFIG)
    if not (folder / WEIGHTS).is_file():
        raise InputError(
            f"imagenet.weights {folder}: there is no {WEIGHTS}; save the model with safe_serialization=True, a pickled "
            "file can run code when it is loaded"
        )
    try:
        if "pretrained_cfg" in settings:
            mean, std, size = _timm_pixels(settings["pretrained_cfg"])
        else:
            mean, std, size = _transformers_pixels(_processor(folder), settings)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"imagenet.weights {folder}: nothing says how pixels are prepared ({error!r})") from None
    return LocalModel(folder, settings, mean, std, size)


def folder_sha256(model: LocalModel) -> str:
    """Hex sha256 of all files that the features depend on."""
    names = [name for name in (CONFIG, *PROCESSORS, WEIGHTS) if (model.folder / name).is_file()]
    return hashlib.sha256("".join(file_sha256(model.folder / name) for name in names).encode()).hexdigest()


def form(config: ImagenetConfig) -> Form:
    """What the model takes and gives. InputError where it can't be built."""
    model = read_folder(config)
    return Form(_dimension(model.folder, model.size, folder_sha256(model)), model.mean, model.std, model.size)


def builder(model: LocalModel) -> Callable[[], torch.nn.Module]:
    """Loads the model in evaluation mode: pixels (n, 3, size, size) -> (n, d). InputError where weights do not fit."""
    return lambda: _loaded(model, _timm_model if model.is_timm else _transformers_model)


@functools.lru_cache(maxsize=4)
def _dimension(folder: Path, size: int, sha256: str) -> int:
    """Length of the features; sha256 is the folder's, so that another model in its place is looked at anew."""
    import torch

    network = builder(read_folder(ImagenetConfig(backbone="local", weights=str(folder))))()
    with torch.inference_mode():
        return int(network(torch.zeros((1, 3, size, size))).shape[1])


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"imagenet.weights {path}: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"imagenet.weights {path}: not JSON ({error})") from None
    if not isinstance(found, dict):
        raise InputError(f"imagenet.weights {path}: must be a JSON object")
    return found


def _processor(folder: Path) -> dict[str, Any]:
    for name in PROCESSORS:
        if (folder / name).is_file():
            found = _read_json(folder / name)
            return dict(found.get("image_processor", found))
    raise InputError(f"imagenet.weights {folder}: there is no {PROCESSORS[0]}")


def _timm_pixels(settings: Mapping[str, Any]) -> tuple[Channels, Channels, int]:
    return _channels(settings["mean"], 255), _channels(settings["std"], 255), int(settings["input_size"][-1])


def _transformers_pixels(processor: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[Channels, Channels, int]:
    scale = 1 / float(processor.get("rescale_factor", 1 / 255)) if processor.get("do_rescale", True) else 1.0
    if processor.get("do_normalize", True):
        mean, std = _channels(processor["image_mean"], scale), _channels(processor["image_std"], scale)
    else:
        mean, std = (0.0, 0.0, 0.0), (scale, scale, scale)
    wanted = processor.get("crop_size") if processor.get("do_center_crop") else None
    wanted = wanted or processor.get("size") or settings["image_size"]
    if isinstance(wanted, Mapping):
        wanted = wanted.get("height") or wanted["shortest_edge"]
    return mean, std, int(wanted)


def _channels(values: Any, scale: float) -> Channels:
    red, green, blue = (float(value) * scale for value in values)
    return red, green, blue


def _loaded(model: LocalModel, load: Callable[[LocalModel], torch.nn.Module]) -> torch.nn.Module:
    try:
        return load(model).eval().requires_grad_(False)
    except InputError:
        raise
    except ImportError as error:
        raise InputError(f"imagenet.weights {model.folder}: needs a package that is not installed ({error})") from None
    except Exception as error:  # both packages raise errors of any class on a wrong folder
        first = (str(error).strip().splitlines() or [""])[0]
        raise InputError(
            f"imagenet.weights {model.folder}: holds no vision model ({type(error).__name__}: {first[:200]})"
        ) from None


def _timm_model(model: LocalModel) -> torch.nn.Module:
    import timm

    settings = model.settings
    network = timm.create_model(
        settings["architecture"], pretrained=False, num_classes=0, **settings.get("model_args", {})
    )
    classifiers = settings["pretrained_cfg"].get("classifier") or ()
    prefixes = tuple(f"{name}." for name in ([classifiers] if isinstance(classifiers, str) else classifiers))
    tensors = read_weights(model.folder / WEIGHTS)
    network.load_state_dict({name: tensor for name, tensor in tensors.items() if not name.startswith(prefixes)})
    return network


def _transformers_model(model: LocalModel) -> torch.nn.Module:
    from transformers import AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()

    def load(**options: Any) -> tuple[Any, list[str]]:
        network, report = AutoModel.from_pretrained(
            str(model.folder),
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            **options,
        )
        return network, sorted(report["missing_keys"])

    network, missing = load()
    if missing and all(name.startswith("pooler.") for name in missing):  # saved without it; random values are no model
        network, missing = load(add_pooling_layer=False)
    if missing:
        raise InputError(f"imagenet.weights {model.folder / WEIGHTS}: {missing[0]} is missing ({len(missing)} such)")
    return _image_features(network)


def _image_features(network: Any) -> torch.nn.Module:
    import torch

    class ImageFeatures(torch.nn.Module):
        """One vector a picture: what image and text share (CLIP, SigLIP), else the pooled or the first state."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            compute = getattr(self.network, "get_image_features", self.network)
            found: Any = compute(pixel_values=pixels)
            if isinstance(found, torch.Tensor):
                return found
            if found.get("pooler_output") is not None:
                return found.pooler_output.flatten(1)
            states: torch.Tensor = found.last_hidden_state  # (n, tokens, d), or (n, d, height, width)
            return states.mean((2, 3)) if states.ndim == 4 else states[:, 0]

    return ImageFeatures()
