"""Every setting of the nightly job: default, unit and, where the published rule leaves a choice, the reason."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
PositiveCount = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]
Colour = Annotated[int, Field(ge=0, le=255)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
ExpertName = Literal["imagenet", "temporal", "semantic", "text"]


class Section(BaseModel):
    """A group of settings; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


class CatalogConfig(Section):
    """How the catalog is read and split."""

    csv_tag_separator: Annotated[str, Field(min_length=1)] = "|"
    """Between the tags of a CSV cell that is not a JSON list."""
    test_list: str | None = None
    """URI of a text file, one gif_id a line, reviewed by people: these GIFs are the test split."""
    labels: Literal["raw", "engineered"] = "raw"
    """What votes. `raw`: tags as uploaders wrote them. `engineered`: the labels of the warehouse (`autotag labels
    build`): a tag counts as the label of which it is a member, others take no part and stay on the document."""
    validation_list: str | None = None
    """URI of a text file, one gif_id a line: the validation split. Without it: every GIF with editorial tags."""


class FramesConfig(Section):
    """How a GIF's bytes are fetched, checked and turned into frames."""

    num_frames: Annotated[int, Field(ge=1, le=64)] = 16
    """At most so many distinct frames of a GIF are sampled."""
    sampling: Literal["index", "time"] = "time"
    """`index`: evenly over frame indices. `time`: evenly over the playing time, since delays differ between frames."""
    size: Annotated[int, Field(ge=32, le=1024)] = 224
    """Height and width of a frame as the model sees it, pixels."""
    background: tuple[Colour, Colour, Colour] = (255, 255, 255)
    """RGB colour, 0..255, under transparent and unpainted pixels. White: what GIFs are mostly shown on."""
    max_bytes: PositiveCount = 20 * 1024 * 1024
    """A larger file is not read."""
    max_pixels: PositiveCount = 50_000_000
    """Canvas pixels times the frames that have to be decoded to reach the last sampled one."""
    max_frames: PositiveCount = 1000
    """A file with more frames is not decoded."""
    min_frames: PositiveCount = 1
    """A file with fewer frames is left out; 2 leaves out still images."""
    min_duration_ms: Count = 0
    """A GIF whose one loop plays shorter is left out, milliseconds."""
    max_duration_ms: PositiveCount | None = None
    """A GIF whose one loop plays longer is left out, milliseconds; None: no limit."""
    fetch_threads: PositiveCount = 16
    """Files fetched at once in one task; their bytes are at most fetch_threads times max_bytes."""
    decode_pixels: PositiveCount = 8_000_000
    """Canvas pixels decoded at once in one task, by all of its threads together; a larger canvas is decoded alone. A
    pixel takes at most 16 bytes, so a task decodes in 16 bytes times the larger of decode_pixels and max_pixels."""
    prefetch_bytes: PositiveCount = 256 * 1024 * 1024
    """Decoded frames that may wait for the model in one task, bytes."""
    fetch_attempts: PositiveCount = 5
    """Tries of one fetch, with backoff in between."""
    connect_timeout_s: Seconds = 5
    """Until S3 accepts a connection, seconds."""
    read_timeout_s: Seconds = 30
    """Between two parts of an answer of S3, seconds."""
    fetch_deadline_s: Seconds = 300
    """For one file with all its tries, seconds: a server that sends a byte now and then holds up no task."""


class ImagenetConfig(Section):
    """The `imagenet` expert: what the frames show."""

    backbone: Literal["efficientnet_lite0", "resnet50", "resnext101_wsl"] = "efficientnet_lite0"
    """`efficientnet_lite0`: 1280-d, weights come as a package. `resnet50`: 2048-d, torchvision's weights API.
    `resnext101_wsl`: 2048-d, ResNeXt-101 32x8d by Facebook, weakly supervised; only with `weights`, CC BY-NC 4.0."""
    weights: str | None = None
    """Path of a .safetensors state dict, the same on every executor (a .pth is converted first by
    `python -m autotag_core.experts.weights OLD.pth NEW.safetensors`). None: the backbone's own published weights."""
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
    resize: Literal["host", "device"] = "host"
    """Where frames get their size. `device`: beside the networks (a GPU, or the task's own CPU), to which GIFs of more
    than 4 frames then go as they were composited, unless a canvas has more than 262,144 pixels; within one level of
    what the host makes, and a model version of its own. For GPUs that wait for decoding."""
    compile: bool = False
    """torch compiles the network in each task's process, a minute or more, for a GPU: worth it for whole backfills."""
    cpu_batch: PositiveCount = 4
    """Frames per forward pass on a CPU: small chunks keep activations in the allocator's cache."""
    gpu_batch: PositiveCount = 256
    """Frames per forward pass on a GPU, fewer where they are large (64 MiB at most); halved on out of memory."""
    threads: PositiveCount = 1
    """Of the backend in one task; Spark already runs one task per core."""

    @model_validator(mode="after")
    def _backend_fits(self) -> ImagenetConfig:
        if self.backend == "onnxruntime" and self.device == "cuda":
            raise ValueError("backend=onnxruntime computes on the CPU and device=cuda does not: change one of them")
        if self.precision == "int8":
            if self.backend == "torch" or self.device == "cuda":
                raise ValueError("precision=int8 is onnxruntime's on a CPU: not with backend=torch or device=cuda")
            if self.backbone != "efficientnet_lite0":
                raise ValueError(f"precision=int8 is for efficientnet_lite0: what {self.backbone} loses is not known")
        if self.backend == "onnxruntime" and (self.compile or self.precision in ("bf16", "fp16")):
            raise ValueError("compile and precision=bf16 or fp16 are torch's: not with backend=onnxruntime")
        if self.precision == "int8" and self.compile:
            raise ValueError("precision=int8 is onnxruntime's and compile is torch's: change one of them")
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
    window: PositiveCount = 10
    """Words on either side that a word is learned from."""
    min_count: PositiveCount = 2
    """A tag seen less often gets no vector."""
    min_gif_count: PositiveCount = 3
    """A GIF in fewer sessions than this has no vector of its own: one or two say little of it, and in a large catalog
    most GIFs have no more, so that the vocabulary would grow with the catalog."""
    max_vocabulary: PositiveCount = 1_000_000
    """At most so many tags and GIF ids, the most frequent, get vectors; all that are as frequent as the first one too
    many are left out with it. Each takes 1.4 KB of the one task that learns, at 64 dimensions."""
    refit: bool = False
    """Fit the space anew although one is saved."""
    max_unknown_share: Share = 0.05
    """The saved space is used again, so that no vector moves, until more than this share of what tags and sessions name
    is new to it."""
    num_iterations: PositiveCount = 10
    """Passes of Word2Vec over its sentences."""
    step_size: Annotated[float, Field(gt=0)] = 0.025
    """Word2Vec's first learning rate."""
    threads: PositiveCount = 1
    """Word2Vec's threads. 1 gives the same vectors on every run; more is faster and only nearly repeatable."""
    common_tag_weight: Annotated[float, Field(gt=0)] = 1e-3
    """a in a / (a + p(tag)), Arora et al. 2017: the smaller, the less a common tag counts."""


class TemporalConfig(Section):
    """The `temporal` expert: what happens in the frames, by a temporal relation network."""

    backbone: Literal["imagenet", "moments"] = "imagenet"
    """Whose frame features it relates. `imagenet`: those of the expert of that name, so no frame is seen twice.
    `moments`: the InceptionV3 of the checkpoint published for Moments in Time, 256-d."""
    moments_weights: str | None = None
    """Path of that checkpoint, the same on every executor: of zhoubolei/TRN-pytorch the file
    TRN_moments_RGB_InceptionV3_TRNmultiscale_segment8_best.pth.tar, converted by
    `python -m autotag_core.experts.weights OLD.pth.tar NEW.safetensors`."""
    weights: str | None = None
    """URI of a saved head, .safetensors. None: the head that the job trains."""
    num_segments: Annotated[int, Field(ge=2, le=16)] = 8
    """Frames of a GIF that are related; fewer are repeated."""
    bottleneck: PositiveCount = 64
    """Dimensions of the embedding by scale; there are num_segments - 1 scales."""
    max_relations: PositiveCount = 3
    """Relations looked at by scale, as published."""
    projection: PositiveCount = 128
    """Dimensions to which a frame's features are projected in front of a head that the job trains."""
    max_training_gifs: PositiveCount = 10_000
    """The job trains its head on at most so many GIFs, of both splits, drawn by a hash of gif_id: 1 GB in one task."""
    retrain: bool = False
    """Train the head again although the warehouse holds one of these settings."""


class TextConfig(Section):
    """The `text` expert: what is written in a GIF: OCR on the CPU, then a language model on imagenet.device."""

    max_frames: Annotated[int, Field(ge=1, le=16)] = 2
    """At most so many of the sampled frames are read, spread evenly: with three, more noise than words is added."""
    max_side: Annotated[int, Field(ge=64, le=2000)] = 480
    """A frame's longer side is shrunk to this before it is read, pixels: what is meant to be read stays readable."""
    first_look_side: Annotated[int, Field(ge=0, le=2000)] = 160
    """A larger frame is first looked at in this size, pixels, and left unread where no words are seen; 0: never."""
    min_confidence: Share = 0.8
    """A line that OCR is less sure of is no text: below it are mostly shapes that look like a letter."""
    min_letters: PositiveCount = 2
    """A line with fewer letters and digits is no text: a ball is read as O, a window as a Chinese sign."""
    threads: PositiveCount = 1
    """Threads of the OCR and of the language model in one task; Spark already runs one task per core."""
    language_model: Literal["minilm", "gpt2"] = "minilm"
    """`minilm`: all-MiniLM-L6-v2, 384-d, made to compare sentences, weights come as a package. `gpt2`: as published."""
    weights: str | None = None
    """Folder with config.json, tokenizer.json and model.safetensors, the same on every executor. gpt2 needs one."""


class NeighborsConfig(Section):
    """How the nearest GIFs are found."""

    k: PositiveCount = 40
    """Neighbors of a GIF in each expert's space. The published rule hears vote.neighbors of them."""
    backend: Literal["auto", "exact", "nmslib", "nndescent"] = "auto"
    """`exact`: tiled matrix product. `nndescent`: a graph of all GIFs at once, approximate; a night on which little
    changed searches exactly for up to exact_below GIFs, for more by `nmslib`. `nmslib`: HNSW, whose indexes stay with
    the release. `auto`: exact up to exact_below reference GIFs or queries, ten times that on GPUs, else
    `nndescent`."""
    exact_below: Count = 50_000
    """Reference GIFs of an expert, or GIFs that are searched for, up to which `auto` is exact: a quarter of a minute of
    a core at 256 dimensions. Beyond it, approximate ones cost much less."""
    shard_size: PositiveCount = 250_000
    """Reference GIFs in one index shard: every query visits every shard, so few and large; but a task that builds one
    with nmslib holds its vectors twice, 2.7 GB at 1280 dimensions: spark.executor.memoryOverhead is set for that."""
    shard_precision: Literal["float32", "float16"] = "float32"
    """Of the vectors in shards. `float16` halves what a host reads, maps and keeps on disk; distances are then those of
    rounded vectors, which lose about one neighbor in a thousand, and products take a tenth longer."""
    shards_searched: PositiveCount | None = None
    """Shards that a GIF is searched in, those around the centers nearest to it; unset: all of them. What its own few
    don't hold is not found, with `exact` too, but cost no longer grows with the number of shards."""
    M: PositiveCount = 16
    """HNSW's links of a point."""
    efConstruction: PositiveCount = 200
    """HNSW's candidates while the graph is built: the more, the better and slower."""
    efSearch: PositiveCount = 100
    """HNSW's candidates while it is searched: the more, the better and slower."""
    post: Annotated[int, Field(ge=0, le=2)] = 2
    """HNSW's passes over the finished graph."""
    index_threads: PositiveCount = 1
    """Threads that build one index shard. 1 builds the same graph every time; more does not."""
    graph_margin: Count = 2
    """Places in a list of NN-descent's graph beyond the k + 1 that are needed: the more, the better and slower."""
    partition_size: PositiveCount = 250_000
    """GIFs in one graph of NN-descent; more are cut into cells. A task holds its vectors twice, 3.1 GB at 1280
    dimensions; where they are fewer, or memory is more, raise it: one graph is better and cheaper than cells."""
    partition_overlap: PositiveCount = 2
    """Cells that a GIF goes into: what lies at the border of one lies inside of another."""


class DuplicatesConfig(Section):
    """How copies of one GIF are found; the three limits are what benchmarks/duplicates.py found to be 99% right.

    They are set for catalogs with recoloured sets (a hand in three skin tones), which only colour tells from copies.
    """

    enabled: bool = True
    """Whether groups of copies are looked for; it needs the `imagenet` expert."""
    count_once: bool = False
    """A group of copies counts once among a GIF's neighbors. Off, since with one GIF in ten copied once it gains
    nothing; where GIFs are uploaded ten times it keeps them from out-voting all others. What copies fill of neighbors.k
    is not replaced: then raise that too."""
    flow_tags: bool = True
    """Tags that copies of a GIF came with are judged as if the GIF had come with them itself."""
    max_distance: Annotated[float, Field(ge=0, le=2)] = 0.12
    """Two GIFs further apart for `imagenet` (1 - cosine) are not copies."""
    max_hash_bits: Annotated[float, Field(ge=0, le=64)] = 5
    """Two GIFs whose frames' 64-bit hashes differ by more bits, on average, are not copies. 16 (with colours 8 apart)
    also finds most cropped copies where GIFs differ in more than details, and takes emoji of one outline for copies."""
    max_color_difference: Annotated[float, Field(ge=0, le=255)] = 1.25
    """Two GIFs whose colours (mean RGB of a frame's quarters) differ by more levels, on average, are not copies. 2
    finds nearly all resized copies too, and takes a snowman for the same one in falling snow."""
    min_hashes: Annotated[int, Field(ge=1, le=4)] = 2
    """Frames, of the 4 that are hashed, that must have a hash in both GIFs: one that fades in from white has some that
    say nothing; one that says nothing at all is nobody's copy, unless byte for byte."""
    max_group: Annotated[int, Field(ge=2)] = 1000
    """A group of more distinct files than this is a chain of GIFs that are each a little like the next, not copies of
    one: only what matches the group's smallest GIF itself stays together."""


class RelatedConfig(Section):
    """Related tags, GIFs and searches, from the space of the `semantic` expert."""

    enabled: bool = True
    """Whether they are looked for; without the `semantic` expert there are none."""
    k: PositiveCount = 20
    """Most that are related to one. Searched for with the settings of `neighbors`."""
    min_tag_gifs: PositiveCount = 5
    """A tag that fewer GIFs have is related to nothing: of a slip of the pen that two people made nothing is known."""


class VoteConfig(Section):
    """How neighbors' tags become votes: the published rule, with the choices that its text leaves open, and the rule
    that scores."""

    rule: Literal["published", "reliability"] = "reliability"
    """Makes `score` and `probability` (autotag_core/voting/rules.py); `confidence` and `source` are always the
    published rule's. docs/findings.md holds what each rule reaches."""
    neighbors: PositiveCount = 10
    """Nearest neighbors that vote by the published rule; `reliability` hears all neighbors.k of them."""
    similarity: Annotated[float, Field(ge=0)] = 12.0
    """b in a neighbor's weight exp(b (cosine - cosine of the nearest)): the larger, the more the nearest count."""
    lift_prior: Annotated[float, Field(gt=0)] = 0.3
    """Votes expected by chance that an expert's own mean lift counts for in the lift of one tag: what shrinks the lift
    of a rare tag."""
    original_prior: Annotated[float, Field(gt=0, lt=1)] = 0.85
    """Share of uploaders' tags that are right, before anything is known of one."""
    from_own_tags: tuple[str, ...] = ("semantic",)
    """Experts made from a GIF's own tags: they do not judge these, unless validation GIFs show that they can. Votes of
    `semantic` tell right original tags from wrong ones worse than a coin does."""
    trained_on_tags: tuple[str, ...] = ("temporal",)
    """Experts trained on the tags of train GIFs: on a GIF's own tags they count at most a quarter, whatever validation
    GIFs, whose tags they have not learned, say of them."""
    own_tags_ridge: Annotated[float, Field(gt=0)] = 100.0
    """How firmly the factors of evidence on a GIF's own tags stay at their defaults as validation GIFs teach them."""
    max_calibration_gifs: PositiveCount = 5_000
    """Probabilities are learned on at most so many validation GIFs, in the driver: about 150 rows of 200 bytes each."""
    target_precision: Share | None = None
    """Precision that tags above their threshold reach, tag by tag: `accepted` in voted_tags and in search documents.
    None: no thresholds."""
    min_threshold_examples: PositiveCount = 30
    """Judged rows that must lie above a tag's own threshold; with fewer it takes that of all tags together."""
    max_proposed: Count = 10
    """New tags of a GIF that the scoring rule may propose beside those that the published rule adds."""
    lower_bound: Annotated[float, Field(ge=0)] = 2.0
    """A new tag whose weighted vote (sum over experts of weight times neighbors with the tag) is below this is dropped.
    An original tag keeps its vote however small: the rule confirms it by the vote of one expert, and dropping the vote
    would hide how weak the confirmation was."""
    predicted_tags: PositiveCount = 3
    """An expert `predicts` its so many most frequent neighbor tags (ties alphabetical). Few, since among ten neighbors
    some tag that everybody has is nearly always right, and every expert would get the same weight."""
    normalise: Literal["possible", "max"] = "possible"
    """`possible`: over the largest vote that any GIF could get, k times the sum of weights, so that scores compare
    between GIFs. `max`: over the GIF's own largest vote, so that each GIF's best tag has score 1."""
    min_evaluation_gifs: PositiveCount = 50
    """Fewer validation GIFs than this: expert weights come from leave-one-out on train."""
    max_evaluation_gifs: PositiveCount = 50_000
    """Expert weights rest on at most so many GIFs: at 50,000 the 95% interval is within 0.005."""
    unconfirmed_confidence: Share = 0.7
    """Confidence of an original tag that no expert voted for, as published."""


class LabelsConfig(Section):
    """How raw tags become a vocabulary of labels (`autotag labels`)."""

    max_labels: PositiveCount = 2500
    """Labels that are kept, the most popular: what an editor can read in a day or two, and most of what is searched."""
    min_gifs: PositiveCount = 3
    """A label on fewer GIFs is left out, and no tag on fewer is taken for the right spelling of another."""
    languages: tuple[Annotated[str, Field(pattern="^[a-z]{2}$")], ...] = ("es", "pt", "fr", "de", "it", "nl")
    """Languages, besides English, that tags are likely in (ISO 639-1). Few: with each, a short English word is taken
    for foreign more easily. Tags in other scripts than Latin are foreign without a list."""
    language_confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.8
    """From so much on a tag is foreign: what is thrown out by mistake is lost to search, what stays costs little."""
    language_context: Annotated[float, Field(ge=0)] = 4.0
    """Log odds that the tags on the same GIFs give at most, all English or all foreign."""
    spelling_odds: Annotated[float, Field(ge=0)] = 3.0
    """Log odds from which a tag is a misspelling of another one: 3 is twenty to one."""
    agreement: Annotated[float, Field(ge=-1, le=1)] = 0.3
    """Cosine in the catalog's tag space from which two tags are used alike."""
    synonyms: Annotated[float, Field(ge=0, le=1)] = 0.68
    """Cosine of meaning (all-MiniLM-L6-v2) from which two words are synonyms, if the catalog uses them alike."""
    together: Share = 0.3
    """Of the rarer tag's GIFs, the share that also have the other one up to which two words can be synonyms: who writes
    one of them seldom writes the other, but who writes `happy` often writes `birthday`."""
    max_tags_per_gif: PositiveCount = 30
    """Tags of a GIF, the first ones, that are looked at as each other's context: pairs grow with the square."""
    max_contexts: PositiveCount = 200
    """Tags beside a tag that are remembered, the most frequent: 8 bytes each in the driver."""


class ElasticsearchConfig(Section):
    """How search documents are indexed."""

    bulk_documents: PositiveCount = 1000
    """At most so many documents in one bulk request."""
    bulk_bytes: PositiveCount = 1024 * 1024
    """At most so many bytes in one bulk request."""
    attempts: PositiveCount = 8
    """Tries of one bulk request or of items answered with 429 or 503, with exponential backoff."""
    initial_backoff_s: Seconds = 0.5
    """Wait before the second try, seconds; doubled before each further one."""
    max_backoff_s: Seconds = 60
    """Longest wait between two tries, seconds."""
    timeout_s: Seconds = 60
    """For one answer, seconds."""
    max_refused_share: Share = 0.01
    """More refused documents than this share of all: the index is not published."""
    max_changed_share: Share = 0.2
    """Where at most this share of all documents differs from the last release, its index is changed; else a new one is
    filled and the alias moved. 0: always a new one."""
    keep_indexes: Count = 2
    """Earlier indexes that stay after the alias moved, to go back to."""
    shards: PositiveCount = 1
    """Primary shards of a new index."""
    replicas: Count = 1
    """Copies of each shard once the index is filled; 0 on a single node."""
    writers: PositiveCount = 8
    """Spark tasks that index at once."""


class TrainingConfig(Section):
    """The voted dataset as training reads it: training_examples, training_labels and training_funnel."""

    enabled: bool = True
    """Whether it is written; it needs GIFs whose frames were read."""
    frames: Literal["reference", "jpeg", "webp"] = "reference"
    """`reference`: the GIF's uri and version, training fetches and decodes it. `jpeg`, `webp`: the sampled frames
    themselves, which costs a second fetch and decoding and 0.13 or 0.08 MB a GIF, but needs no GIF to be fetched, or to
    be still there, when a model is trained (benchmarks/README.md)."""
    quality: Annotated[int, Field(ge=1, le=100)] = 90
    """Of stored frames, as the encoders understand it."""
    min_frames: PositiveCount = 1
    """A GIF with fewer frames is no example; 2 leaves out still images. Beside the limits of `frames`."""
    min_duration_ms: Count = 0
    """A GIF whose one loop plays shorter is no example, milliseconds."""
    max_duration_ms: PositiveCount | None = None
    """A GIF whose one loop plays longer is no example, milliseconds; None: no limit."""
    separate_uploaders: bool = False
    """A GIF whose uploader also has one in a more protected split is no example. Off: GIFs of one uploader may look
    alike, but leaving out all of them can cost more than half of a catalog; the run's record counts them anyway."""
    gifs_per_file: PositiveCount | None = None
    """Examples in one file; None: 500,000 references, or 2,000 GIFs with stored frames (0.25 GB)."""


class GatesConfig(Section):
    """What a run must reach to be published."""

    max_failed_share: Share = 0.2
    """More GIFs without frames than this share of the catalog: a storage outage, not a night's work."""


class WarehouseConfig(Section):
    """What the warehouse keeps."""

    keep_releases: PositiveCount | None = 30
    """Newest releases whose tables stay, to go back to; older ones lose the files that no kept one needs. A night adds
    about the size of its tables. What a rollback names is always kept. None: everything is."""


class SparkConfig(Section):
    """What the job asks of Spark beyond spark-defaults.conf."""

    gifs_per_partition: PositiveCount = 200
    """GIFs that one task fetches, decodes and embeds: minutes of one core, so little is lost with a task."""
    partitions: PositiveCount | None = None
    """Tasks of the embedding stage; None: rows over gifs_per_partition, in a small catalog up to eight a core."""


class Config(Section):
    """All settings of `autotag nightly`."""

    experts: Annotated[tuple[ExpertName, ...], Field(min_length=1)] = ("imagenet", "temporal", "semantic", "text")
    """Whose neighbors vote, each once."""
    seed: Seed = 7
    """Of everything that is drawn at random in the job."""
    reuse: Literal["unchanged", "nothing"] = "unchanged"
    """`unchanged`: what the last release says of a GIF is kept where nothing that it depends on has changed.
    `nothing`: all is made anew, by the models that are saved."""
    catalog: CatalogConfig = CatalogConfig()
    frames: FramesConfig = FramesConfig()
    imagenet: ImagenetConfig = ImagenetConfig()
    temporal: TemporalConfig = TemporalConfig()
    semantic: SemanticConfig = SemanticConfig()
    text: TextConfig = TextConfig()
    neighbors: NeighborsConfig = NeighborsConfig()
    duplicates: DuplicatesConfig = DuplicatesConfig()
    related: RelatedConfig = RelatedConfig()
    vote: VoteConfig = VoteConfig()
    labels: LabelsConfig = LabelsConfig()
    elasticsearch: ElasticsearchConfig = ElasticsearchConfig()
    training: TrainingConfig = TrainingConfig()
    gates: GatesConfig = GatesConfig()
    warehouse: WarehouseConfig = WarehouseConfig()
    spark: SparkConfig = SparkConfig()

    @field_validator("experts")
    @classmethod
    def _each_expert_once(cls, experts: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(experts)) < len(experts):
            raise ValueError("each expert must be named once")
        return experts

    @model_validator(mode="after")
    def _settings_fit_each_other(self) -> Config:
        ordered = [
            ("frames.min_frames", self.frames.min_frames, "frames.max_frames", self.frames.max_frames),
            (
                "frames.min_duration_ms",
                self.frames.min_duration_ms,
                "frames.max_duration_ms",
                self.frames.max_duration_ms,
            ),
            (
                "training.min_duration_ms",
                self.training.min_duration_ms,
                "training.max_duration_ms",
                self.training.max_duration_ms,
            ),
            ("vote.neighbors", self.vote.neighbors, "neighbors.k", self.neighbors.k),
            (
                "elasticsearch.initial_backoff_s",
                self.elasticsearch.initial_backoff_s,
                "elasticsearch.max_backoff_s",
                self.elasticsearch.max_backoff_s,
            ),
        ]
        problems = [
            f"{less}={low} is more than {more}={high}: lower the one or raise the other"
            for less, low, more, high in ordered
            if high is not None and low > high
        ]
        if self.neighbors.backend != "exact" and self.neighbors.efSearch <= self.neighbors.k:
            problems.append(
                f"neighbors.efSearch={self.neighbors.efSearch} is not more than neighbors.k={self.neighbors.k}: HNSW "
                "would find fewer than k besides the GIF itself; raise the one or lower the other"
            )
        if problems:
            raise ValueError("; ".join(problems))
        return self
