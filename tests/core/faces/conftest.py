"""Real faces, where they are there, and the networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autotag_core.faces.embedder import FaceEmbedder


@pytest.fixture(scope="session")
def faces_folder(shared_data: Path) -> Path:
    """A folder of pictures a person; skipped where it is not there."""
    folder = shared_data / "faces"
    if not folder.is_dir():
        pytest.skip("no real faces")
    return folder


@pytest.fixture(scope="session")
def embedder() -> FaceEmbedder:
    return FaceEmbedder()


def picture(folder: Path, person: str, number: int, scale: int = 2) -> np.ndarray:
    """(height, width, 3) uint8."""
    image = Image.open(folder / person / f"{number}.png").convert("RGB")
    return np.asarray(image.resize((image.width * scale, image.height * scale), Image.Resampling.BICUBIC))
