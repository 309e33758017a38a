"""What a training leaves: a folder in the warehouse with all that it is and measured."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from autotag_core import storage
from autotag_core.tagger.experiment_file import experiment_as_yaml
from autotag_core.tagger.fitting import Fitted
from autotag_core.tagger.model_card import model_card
from autotag_core.tagger.tag_metrics import Measured
from autotag_core.tagger.tagger_model import TaggerRecord, model_bytes
from autotag_core.tagger.tagger_pictures import confusion_png, curves_png
from autotag_core.tagger.trained_models import MODEL


def write_run_folder(uri: str, fitted: Fitted, record: TaggerRecord, measured: Measured) -> str:
    """Write all files, the model last; gives its sha256. A folder without a model is a training that has not ended."""
    name = uri.rstrip("/").rpartition("/")[2]
    summary = {
        "measured_on": measured.split,
        "num_gifs": measured.metrics.num_gifs,
        "measures": {key: asdict(one) for key, one in measured.metrics.measures.items()},
        "classes": [asdict(one) for one in measured.metrics.classes],
        "sizes": measured.sizes,
        "search_coverage": measured.search_coverage,
        "temperature": record.temperature,
        "best_epoch": fitted.best_epoch,
    }
    data = model_bytes(record, fitted.head, fitted.base)
    sha256 = hashlib.sha256(data).hexdigest()
    labels = [{"label": one, "threshold": at} for one, at in zip(record.labels, record.thresholds, strict=True)]
    files = {
        "experiment.yaml": experiment_as_yaml(record.experiment).encode(),
        "labels.json": json.dumps(labels, ensure_ascii=False, indent=1).encode(),
        "epochs.csv": _csv(fitted.epochs).encode(),
        "metrics.json": json.dumps(summary, ensure_ascii=False, indent=1).encode(),
        "curves.png": curves_png(fitted.epochs, fitted.best_epoch),
        "confusion.png": confusion_png(measured.probabilities, measured.is_right, record.labels),
        "model_card.md": model_card(name, record, measured).encode(),
        f"{MODEL}.sha256": f"{sha256}  {MODEL}\n".encode(),
        MODEL: data,
    }
    for file, content in files.items():
        storage.write_bytes(storage.join(uri, file), content)
    return sha256


def keep_progress(folder: Path, uri: str) -> None:
    """Copy checkpoints and logs of a training from its local folder to its run folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            storage.upload_file(path, storage.join(uri, path.relative_to(folder).as_posix()))


def fetch_progress(uri: str, folder: Path) -> None:
    """Copy what keep_progress left to the local folder."""
    for file in storage.list_files(uri):
        name = file.removeprefix(f"{uri}/")
        if "/" in name:  # all that a training needs to go on lies in folders
            storage.download_file(file, folder / name)


def drop_progress(uri: str) -> None:
    """Delete the checkpoints of a training that has ended."""
    for name in ("checkpoints", "student", "teacher", "head", "tuning"):
        storage.delete_prefix(storage.join(uri, name))


def model_row(
    uri: str, sha256: str, record: TaggerRecord, measured: Measured, times: tuple[datetime, float]
) -> dict[str, object]:
    """The row of a training. times: when it ended, and how many seconds it took."""
    return {
        "model": uri.rstrip("/").rpartition("/")[2],
        "uri": uri,
        "sha256": sha256,
        "run_id": record.run_id,
        "trained": times[0],
        "seconds": times[1],
        "model_version": record.model_version,
        "experiment": record.experiment.model_dump_json(),
        "num_classes": len(record.labels),
        "num_examples": measured.sizes.get("train", 0),
        "metrics": sorted(_figures(measured).items()),
        "measured_on": measured.split,
    }


def _csv(rows: Sequence[dict[str, float]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    file = io.StringIO()
    writer = csv.DictWriter(file, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def _figures(measured: Measured) -> dict[str, float]:
    coverage = measured.search_coverage
    return measured.metrics.values() | ({} if coverage is None else {"search_coverage": coverage})
