"""Tiny vision models as transformers and timm save them: their own features, or a line that says what is wrong."""

import json

import pytest
import timm
import torch
import transformers
from safetensors.torch import load_file, save_file

from autotag_core.config import Config, ImagenetConfig
from autotag_core.errors import InputError
from autotag_core.experts.backbones import dimension, load_backbone, model_version
from autotag_core.experts.registry import expert_statuses

CPU = torch.device("cpu")
SIZE = 32
VISION = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": SIZE,
    "patch_size": 8,
}
TEXT = VISION | {"vocab_size": 50, "max_position_embeddings": 16, "bos_token_id": 1, "eos_token_id": 2}
PROCESSOR = {
    "image_mean": [0.5, 0.4, 0.3],
    "image_std": [0.2, 0.25, 0.3],
    "do_center_crop": True,
    "size": {"shortest_edge": 40},
    "crop_size": {"height": SIZE, "width": SIZE},
}


def both(config, **more):
    return config(vision_config=VISION, text_config=TEXT, **more)


MODELS = {
    "clip": lambda: transformers.CLIPModel(both(transformers.CLIPConfig, projection_dim=12)),
    "siglip": lambda: transformers.SiglipModel(both(transformers.SiglipConfig)),
    "dinov2": lambda: transformers.Dinov2Model(transformers.Dinov2Config(**VISION)),
    "vit without a pooler": lambda: transformers.ViTModel(transformers.ViTConfig(**VISION), add_pooling_layer=False),
    "convnext": lambda: transformers.ConvNextModel(
        transformers.ConvNextConfig(depths=[1, 1], hidden_sizes=[8, 20], num_stages=2)
    ),
}
WANTED = {
    "clip": lambda model, pixels: model.visual_projection(model.vision_model(pixels).pooler_output),
    "siglip": lambda model, pixels: model.vision_model(pixels).pooler_output,
    "dinov2": lambda model, pixels: model(pixels).last_hidden_state[:, 0],
    "vit without a pooler": lambda model, pixels: model(pixels).last_hidden_state[:, 0],
    "convnext": lambda model, pixels: model(pixels).pooler_output,
}


@pytest.fixture
def frames():
    return torch.randint(0, 256, (3, 3, SIZE, SIZE), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


@pytest.fixture(params=MODELS)
def saved(request, tmp_path):
    """A folder, the model that was saved there, and what it should give for pixels."""
    torch.manual_seed(5)
    model = MODELS[request.param]().eval()
    model.save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    return tmp_path, model, WANTED[request.param]


def local(folder, **settings):
    return ImagenetConfig(backbone="local", weights=str(folder), **settings)


def test_features_are_those_of_the_model_for_the_pixels_that_its_processor_wants(saved, frames):
    folder, model, wanted = saved
    backbone = load_backbone(local(folder, backend="torch"), CPU)
    mean, std = (torch.tensor(PROCESSOR[name]).reshape(1, 3, 1, 1) for name in ("image_mean", "image_std"))
    with torch.no_grad():
        expected = wanted(model, (frames / 255 - mean) / std)
    torch.testing.assert_close(backbone.features(frames), expected, rtol=1e-4, atol=1e-5)
    assert expected.shape[1] == backbone.dimension == dimension(local(folder))


def test_frames_of_another_size_are_resized(saved, frames):
    backbone = load_backbone(local(saved[0], backend="torch"), CPU)
    large = frames.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    assert backbone.features(large).shape == backbone.features(frames).shape


def test_onnxruntime_computes_it_too(tmp_path, frames):
    save_vit(tmp_path)
    config = local(tmp_path)
    by_torch = load_backbone(local(tmp_path, backend="torch"), CPU).features(frames)
    by_onnx = load_backbone(config.model_copy(update={"backend": "onnxruntime"}), CPU).features(frames)
    torch.testing.assert_close(by_onnx, by_torch, rtol=1e-3, atol=1e-4)


def test_a_timm_model_gives_its_features_before_the_classifier(tmp_path, frames):
    torch.manual_seed(5)
    model = timm.create_model("test_vit", num_classes=7, img_size=SIZE).eval()
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    pixels = {"mean": [0.5] * 3, "std": [0.25] * 3, "input_size": [3, SIZE, SIZE], "classifier": "head"}
    settings = {"architecture": "test_vit", "pretrained_cfg": pixels, "model_args": {"img_size": SIZE}}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    with torch.no_grad():
        expected = model.forward_head(model.forward_features((frames / 255 - 0.5) / 0.25), pre_logits=True)
    backbone = load_backbone(local(tmp_path, backend="torch"), CPU)
    torch.testing.assert_close(backbone.features(frames), expected, rtol=1e-4, atol=1e-5)
    assert backbone.dimension == model.num_features


def save_vit(folder):
    torch.manual_seed(5)
    MODELS["vit without a pooler"]().save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))


def test_the_version_names_the_weights_and_how_pixels_are_prepared(tmp_path):
    save_vit(tmp_path)
    first = model_version(local(tmp_path))
    assert first.startswith("local-")
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PROCESSOR | {"image_mean": [0.1, 0.2, 0.3]}))
    assert model_version(local(tmp_path)) != first


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "config.json").unlink(), r"config\.json: No such file"),
        (lambda folder: (folder / "config.json").write_text("{"), r"config\.json: not JSON"),
        (lambda folder: (folder / "config.json").write_text('{"model_type": "none such"}'), "holds no vision model"),
        (
            lambda folder: (folder / "model.safetensors").unlink(),
            r"there is no model\.safetensors; save",
        ),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"PK"), "holds no vision model"),
        (lambda folder: drop_tensor(folder, "layernorm.bias"), r"layernorm\.bias is missing"),
        (lambda folder: (folder / "preprocessor_config.json").unlink(), r"there is no preprocessor_config\.json"),
        (lambda folder: (folder / "preprocessor_config.json").write_text("{}"), "nothing says how pixels are prepared"),
    ],
)
def test_a_wrong_folder_is_one_line(spoil, said, tmp_path):
    save_vit(tmp_path)
    spoil(tmp_path)
    with pytest.raises(InputError, match=said) as caught:
        load_backbone(local(tmp_path, backend="torch"), CPU)
    assert "\n" not in str(caught.value)


def drop_tensor(folder, name):
    tensors = load_file(folder / "model.safetensors")
    del tensors[name]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def test_without_a_folder_experts_are_listed_all_the_same_and_settings_refused():
    config = Config(imagenet=local("/nowhere"))
    status = expert_statuses(config)[0]
    assert (status.dimension, status.model_version) == (0, None)
    assert "/nowhere/config.json: No such file" in status.missing
    with pytest.raises(ValueError, match="set weights to the folder"):
        ImagenetConfig(backbone="local")
