"""Physics-informed neural networks: Adam, then L-BFGS, on problems that read like the paper.

Importing this package is cheap: TensorFlow is loaded by the first name that needs it.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

__version__ = "0.1.0"

# Programs run side by side, one per thread (see objective/objective.py), so none may start threads
# of its own; XLA's default vector width is half of what AVX-512 offers; and its own matrix
# products, not Eigen's, use that.
_XLA_FLAGS = (
    "--xla_cpu_multi_thread_eigen=false",
    "--xla_cpu_prefer_vector_width=512",
    "--xla_backend_extra_options=xla_force_enable_experimental_llvm_ir_gemm",
)
for _flag in _XLA_FLAGS:
    if _flag.split("=")[0] not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_flag}".strip()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# oneDNN's kernels round differently from run to run of the same program; a resume must be bitwise.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

# Threads of OpenBLAS that wait do so by spinning, for milliseconds that TensorFlow's then lack.
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "12")

_LAZY = {
    "Problem": "pinn.problem",
    "Mirror": "pinn.symmetry",
    "Unknown": "pinn.unknowns",
    "UnknownField": "pinn.unknowns",
    "residual": "pinn.problem",
    "satisfies": "pinn.problem",
    "positive": "pinn.problem",
    "final_time": "pinn.problem",
    "Interval": "pinn.geometry",
    "Rectangle": "pinn.geometry",
    "Box": "pinn.geometry",
    "NoSpace": "pinn.geometry",
    "Ball": "pinn.geometry",
    "Disk": "pinn.geometry",
    "Difference": "pinn.geometry",
    "PointCloud": "pinn.geometry",
    "mlp": "pinn.networks",
    "Adam": "pinn.optimizers",
    "LBFGS": "pinn.optimizers",
    "minimize": "pinn.fitting",
    "supervised": "pinn.fitting",
    "fit": "pinn.fitting",
    "solve": "pinn.run",
    "load": "pinn.run",
    "Solution": "pinn.run",
}

__all__ = ["__version__", *_LAZY]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'pinn' has no attribute {name!r}")
