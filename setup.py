"""Installation: `pip install .`, or `pip install -e '.[test]'` to work on it."""
from setuptools import find_packages, setup

setup(
    name="tinygrad_like",
    version="0.1.0",
    description="A deep learning engine to read: autograd from scratch on NumPy and CuPy",
    packages=find_packages(include=["tinygrad_like", "tinygrad_like.*"]),
    package_data={"tinygrad_like": ["py.typed"], "tinygrad_like.tools.explain": ["web/*"]},
    python_requires=">=3.10",
    install_requires=["numpy>=2.0"],
    extras_require={
        "gpu": ["cupy-cuda12x>=14,<15"],
        "safetensors": ["safetensors>=0.4"],
        "vision": ["pillow>=10"],
        "text": ["tokenizers>=0.20"],
        "test": ["pytest>=8", "hypothesis>=6.100", "pytest-xdist>=3", "safetensors>=0.4", "pillow>=10", "tqdm>=4.60",
                 "tokenizers>=0.20"],
        "plot": ["matplotlib>=3.8"],
        "bench": ["torch>=2.4", "matplotlib>=3.8"],
        "text-metrics": ["sacrebleu>=2.3", "jiwer>=3"],
        "progress": ["tqdm>=4.60"],
        "lint": ["ruff>=0.6", "mypy>=1.11"],
    },
)
