"""Settings of the experts."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from autotag_core.config.section import PositiveCount, Section

ExpertName = Literal["imagenet", "temporal", "semantic", "text"]


class ImagenetConfig(Section):
    """The `imagenet` expert: what the frames show."""

    backbone: Literal["efficientnet_lite0", "resnet50", "resnext101_wsl", "local"] = "efficientnet_lite0"
    """`efficientnet_lite0`: 1280-d, weights come as a package. `resnet50`: 2048-d, torchvision's weights API.
    `resnext101_wsl`: 2048-d, ResNeXt-101 32x8d by Facebook, weakly supervised; only with `weights`, CC BY-NC 4.0.
    `local`: any vision model of transformers or timm (CLIP, SigLIP, DINO), `weights` is its folder."""
    weights: str | None = None
    """Path of a .safetensors state dict, the same on every executor; None: the backbone's own published weights.
    A .pth is converted first: `python -m autotag_core.experts.weight_files OLD.pth NEW.safetensors`."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto`: the GPU that Spark assigned to the task, else the CPU. `cuda`: an error where the task has none."""
    backend: Literal["auto", "torch", "onnxruntime"] = "auto"
    """What computes the frame backbones, also `moments`. `auto`: torch on GPUs; on CPUs onnxruntime, the same vectors
    but for rounding at 3.5 to 4.3 times the speed, or torch where it, onnx or a conversion is missing (the log says
    so). One for the whole job: it is part of each model_version."""
    precision: Literal["fp32", "int8", "bf16", "fp16"] = "fp32"
    """`int8`: efficientnet_lite0 alone, by onnxruntime on CPUs: about 5 times the speed of torch, but 2 to 3% of
    the nearest neighbors are others (benchmarks/README.md). `bf16`, `fp16`: by torch, for GPUs; bf16 also on CPUs that
    have it."""
    cpu_batch: ClassVar[int] = 4
    """Frames per forward pass on a CPU: small chunks keep activations in the allocator's cache."""
    gpu_batch: ClassVar[int] = 256
    """Frames per forward pass on a GPU, fewer where they are large (64 MiB at most); halved on out of memory."""
    threads: PositiveCount = 1
    """Of the backend in one task; Spark already runs one task per core."""

    @model_validator(mode="after")
    def _backend_fits(self) -> ImagenetConfig:
        if self.backbone == "local" and self.weights is None:
            raise ValueError("backbone=local: set weights to the folder of a transformers or timm model")
        if self.backend == "onnxruntime" and self.device == "cuda":
            raise ValueError("backend=onnxruntime computes on the CPU and device=cuda does not: change one of them")
        if self.precision == "int8":
            if self.backend == "torch" or self.device == "cuda":
                raise ValueError("precision=int8 is onnxruntime's on a CPU: not with backend=torch or device=cuda")
            if self.backbone != "efficientnet_lite0":
                raise ValueError(f"precision=int8 is for efficientnet_lite0: what {self.backbone} loses is not known")
        if self.backend == "onnxruntime" and self.precision in ("bf16", "fp16"):
            raise ValueError("precision=bf16 and fp16 are torch's: not with backend=onnxruntime")
        if self.precision == "fp16" and self.device == "cpu":
            raise ValueError("precision=fp16 is for GPUs: not with device=cpu; bf16 computes on both")
        return self


class SemanticConfig(Section):
    """The `semantic` expert: how people use a GIF."""

    sessions: str | None = None
    """URI of JSON lines {session_id, gif_ids}: GIFs that one person looked at in a row."""
    search_sessions: str | None = None
    """URI of JSON lines {session_id, queries}: what one person searched for in a row; for related searches alone."""
    vector_size: PositiveCount = 64
    """Dimensions of a tag's vector."""
    window: ClassVar[int] = 10
    """Words on either side that a word is learned from."""
    min_count: PositiveCount = 2
    """A tag seen less often gets no vector."""
    min_gif_count: PositiveCount = 3
    """A GIF in fewer sessions than this has no vector of its own: one or two say little of it, and in a large catalog
    most GIFs have no more, so that the vocabulary would grow with the catalog."""
    max_vocabulary: ClassVar[int] = 1_000_000
    """At most so many tags and GIF ids, the most frequent, get vectors; all that are as frequent as the first one too
    many are left out with it. Each takes 1.4 KB of the one task that learns, at 64 dimensions."""
    refit: bool = False
    """Fit the space anew although one is saved."""
    max_unknown_share: ClassVar[float] = 0.05
    """The saved space is used again, so that no vector moves, until more than this share of what tags and sessions name
    is new to it."""
    num_iterations: PositiveCount = 10
    """Passes of Word2Vec over its sentences."""
    step_size: ClassVar[float] = 0.025
    """Word2Vec's first learning rate."""
    threads: PositiveCount = 1
    """Word2Vec's threads. 1 gives the same vectors on every run; more is faster and only nearly repeatable."""
    common_tag_weight: ClassVar[float] = 1e-3
    """a in a / (a + p(tag)), Arora et al. 2017: the smaller, the less a common tag counts."""


class TemporalConfig(Section):
    """The `temporal` expert: what happens in the frames, by a temporal relation network."""

    backbone: Literal["imagenet", "moments"] = "imagenet"
    """Whose frame features it relates. `imagenet`: those of the expert of that name, so no frame is seen twice.
    `moments`: the InceptionV3 of the checkpoint published for Moments in Time, 256-d."""
    moments_weights: str | None = None
    """Path of that checkpoint, the same on every executor: of zhoubolei/TRN-pytorch the file
    TRN_moments_RGB_InceptionV3_TRNmultiscale_segment8_best.pth.tar, converted by
    `python -m autotag_core.experts.weight_files OLD.pth.tar NEW.safetensors`."""
    weights: str | None = None
    """URI of a saved head, .safetensors. None: the head that the job trains."""
    num_segments: Annotated[int, Field(ge=2, le=16)] = 8
    """Frames of a GIF that are related; fewer are repeated."""
    bottleneck: ClassVar[int] = 64
    """Dimensions of the embedding by scale; there are num_segments - 1 scales."""
    max_relations: ClassVar[int] = 3
    """Relations looked at by scale, as published."""
    projection: ClassVar[int] = 128
    """Dimensions to which a frame's features are projected in front of a head that the job trains."""
    max_training_gifs: ClassVar[int] = 10_000
    """The job trains its head on at most so many GIFs, of both splits, drawn by a hash of gif_id: 1 GB in one task."""
    retrain: bool = False
    """Train the head again although the warehouse holds one of these settings."""


class TextConfig(Section):
    """The `text` expert: what is written in a GIF: OCR on the CPU, then a language model on imagenet.device."""

    read: Literal["likely", "all"] = "likely"
    """`likely`: OCR reads the GIFs that look as if words were in them; the others have the note text_skipped.
    `all`: OCR reads every GIF."""
    max_frames: Annotated[int, Field(ge=1, le=16)] = 2
    """At most so many of the sampled frames are read, spread evenly: with three, more noise than words is added."""
    max_side: ClassVar[int] = 480
    """A frame's longer side is shrunk to this before it is read, pixels: what is meant to be read stays readable."""
    min_confidence: ClassVar[float] = 0.8
    """A line that OCR is less sure of is no text: below it are mostly shapes that look like a letter."""
    min_letters: ClassVar[int] = 2
    """A line with fewer letters and digits is no text: a ball is read as O, a window as a Chinese sign."""
    threads: ClassVar[int] = 1
    """Threads of the OCR and of the language model in one task; Spark already runs one task per core."""
    language_model: Literal["minilm", "gpt2"] = "minilm"
    """`minilm`: all-MiniLM-L6-v2, 384-d, made to compare sentences, weights come as a package. `gpt2`: as published."""
    weights: str | None = None
    """Folder with config.json, tokenizer.json and model.safetensors, the same on every executor. gpt2 needs one."""
