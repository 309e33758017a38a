"""The temporal relation network published for Moments in Time: its frame features and its head, from one file.

The file is TRN_moments_RGB_InceptionV3_TRNmultiscale_segment8_best.pth.tar of zhoubolei/TRN-pytorch. It is not part of
the product, and the tests have never seen it. They hold this code against the published graph and formula, on random
tensors with the published names and shapes. To convert the file:
`python -m autotag_core.experts.weight_files OLD.pth.tar NEW.safetensors`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotag_core.config import Config, TemporalConfig
from autotag_core.errors import InputError
from autotag_core.experts.backbones.backends import how_computed, load_network
from autotag_core.experts.backbones.forms import FORMS, normalised, resized
from autotag_core.experts.backbones.networks import Backbone, make_repeatable
from autotag_core.experts.backbones.onnx_models import Wanted
from autotag_core.experts.backbones.probes import drawn_frames
from autotag_core.experts.temporal.heads import HeadRecord, RelationHead, assemble_head
from autotag_core.experts.weight_files import file_sha256, filled, read_weights

if TYPE_CHECKING:
    import torch

HEAD_DIMENSION = 7 * 256
"""Length of the published head's embedding: scales of 8 down to 2 segments, 256 numbers each."""
_FORM = FORMS["moments"]
_FRAME_SIZE = 299
_NAME = "the Moments in Time checkpoint (InceptionV3, TRNmultiscale)"


def load_moments(config: Config, device: torch.device) -> Backbone:
    """The InceptionV3 of the checkpoint up to its frame features, new_fc's 256, on the device in float32.

    It resizes frames to 299 x 299. The published test averages ten crops of 299 from frames of 341. Here a frame is
    seen once and whole, as it was cut for every expert. InputError where the weights are missing or of another network.
    """
    from autotag_core.experts.backbones.inception import MomentsFrames

    make_repeatable(config.imagenet.threads, device)
    tensors = _with_batch_counts(_part(config.temporal, "base_model.", "new_fc."))

    def build() -> Any:
        return filled(lambda: MomentsFrames(_FORM.dimension), tensors, _NAME).folded()

    def draw(num_frames: int) -> torch.Tensor:
        return normalised(drawn_frames(num_frames, _FRAME_SIZE), _FORM).flip(1)

    wanted = Wanted("moments", file_sha256(weights_path(config.temporal)), build, draw)
    network = load_network(wanted, config.imagenet, device)
    return Backbone(_resizing(network), _FORM, model_version(config), device)


def load_moments_head(config: Config) -> RelationHead:
    """The published multi-scale head over these features: 8 segments, 7 scales of 256, 339 classes without names."""
    tensors = _part(config.temporal, "consensus.")
    tensors = {name.removeprefix("consensus."): tensor for name, tensor in tensors.items()}
    first, last = tensors.get("fc_fusion_scales.0.1.weight"), tensors.get("fc_fusion_scales.0.3.weight")
    if first is None or last is None or first.ndim != 2 or last.ndim != 2:
        raise InputError(f"these are not weights of {_NAME}: consensus.fc_fusion_scales.0 has no layers 1 and 3")
    path = weights_path(config.temporal)
    record = HeadRecord(
        feature_dim=_FORM.dimension,
        num_segments=max(2, min(16, first.shape[1] // _FORM.dimension)),
        bottleneck=first.shape[0],
        num_classes=last.shape[0],
        backbone="moments",
        backbone_version=model_version(config),
    )
    return assemble_head(record, tensors, str(path), file_sha256(path))


def model_version(config: Config) -> str:
    """`moments-<first 12 hex digits of the file's sha256>-<how_computed>`; InputError where there are no weights."""
    return f"moments-{file_sha256(weights_path(config.temporal))[:12]}-{how_computed(config.imagenet, 'fp32')}"


def weights_path(config: TemporalConfig) -> Path:
    """The converted checkpoint; InputError where none is named."""
    if config.moments_weights is None:
        raise InputError(
            "temporal.backbone is moments: set temporal.moments_weights to its weights, TRN_moments_RGB_InceptionV3_"
            "TRNmultiscale_segment8_best.pth.tar of zhoubolei/TRN-pytorch, converted by "
            "`python -m autotag_core.experts.weight_files OLD.pth.tar NEW.safetensors`"
        )
    return Path(config.moments_weights)


def _part(config: TemporalConfig, *prefixes: str) -> dict[str, torch.Tensor]:
    """The tensors under these prefixes. Every name starts with `module.`, from the DataParallel it was trained in."""
    tensors = read_weights(weights_path(config))
    named = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    return {name: tensor for name, tensor in named.items() if name.startswith(prefixes)}


def _with_batch_counts(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors with batch counts of 0. Batch norms before PyTorch 0.4.1 have none, and nothing here reads them."""
    import torch

    norms = {name.removesuffix("running_mean") for name in tensors if name.endswith("running_mean")}
    return tensors | {f"{norm}num_batches_tracked": torch.tensor(0) for norm in norms}


def _resizing(network: Any) -> Callable[[Any], Any]:
    """The network, given frames of any size, red first; it takes blue first."""
    return lambda pixels: network(resized(pixels, _FRAME_SIZE).flip(1))
