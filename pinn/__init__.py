"""Physics-informed neural networks on problems that read like the paper.

Importing this package is cheap and changes nothing outside of it: TensorFlow is loaded by the
first name that needs it.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from pinn.runtime import prepare_import as _prepare_import

if TYPE_CHECKING:  # what type checkers and editors see; the table below does the same at run time
    from pinn.checking import check as check
    from pinn.errors import InputError as InputError
    from pinn.errors import ProblemWarning as ProblemWarning
    from pinn.fitting import Result as Result
    from pinn.fitting import fit as fit
    from pinn.fitting import minimize as minimize
    from pinn.fitting import supervised as supervised
    from pinn.geometry import Airfoil as Airfoil
    from pinn.geometry import Ball as Ball
    from pinn.geometry import Box as Box
    from pinn.geometry import Cylinder as Cylinder
    from pinn.geometry import Difference as Difference
    from pinn.geometry import Disk as Disk
    from pinn.geometry import Domain as Domain
    from pinn.geometry import Ellipse as Ellipse
    from pinn.geometry import Extrusion as Extrusion
    from pinn.geometry import Intersection as Intersection
    from pinn.geometry import Interval as Interval
    from pinn.geometry import NoSpace as NoSpace
    from pinn.geometry import PointCloud as PointCloud
    from pinn.geometry import Polygon as Polygon
    from pinn.geometry import Rectangle as Rectangle
    from pinn.geometry import Revolution as Revolution
    from pinn.geometry import Shell as Shell
    from pinn.geometry import Spline as Spline
    from pinn.geometry import Union as Union
    from pinn.measurements import DataFile as DataFile
    from pinn.measurements import Synthetic as Synthetic
    from pinn.networks import Factorization as Factorization
    from pinn.networks import Fourier as Fourier
    from pinn.networks import Periodic as Periodic
    from pinn.networks import Slope as Slope
    from pinn.networks import Subdomains as Subdomains
    from pinn.networks import mlp as mlp
    from pinn.objective import FieldScale as FieldScale
    from pinn.objective import PointSet as PointSet
    from pinn.objective import Scales as Scales
    from pinn.optimizers import BFGS as BFGS
    from pinn.optimizers import LBFGS as LBFGS
    from pinn.optimizers import LBFGSB as LBFGSB
    from pinn.optimizers import SOAP as SOAP
    from pinn.optimizers import Adam as Adam
    from pinn.optimizers import GaussNewton as GaussNewton
    from pinn.optimizers import GaussNewtonSVD as GaussNewtonSVD
    from pinn.optimizers import MultiBatchLBFGS as MultiBatchLBFGS
    from pinn.optimizers import Residuals as Residuals
    from pinn.optimizers import SSBroyden as SSBroyden
    from pinn.optimizers import WarmupExponentialDecay as WarmupExponentialDecay
    from pinn.parameters import Parameter as Parameter
    from pinn.problem import At as At
    from pinn.problem import Delay as Delay
    from pinn.problem import Inside as Inside
    from pinn.problem import Material as Material
    from pinn.problem import Part as Part
    from pinn.problem import Problem as Problem
    from pinn.problem import complementarity as complementarity
    from pinn.problem import final_time as final_time
    from pinn.problem import flux as flux
    from pinn.problem import integral as integral
    from pinn.problem import parameter as parameter
    from pinn.problem import positive as positive
    from pinn.problem import residual as residual
    from pinn.problem import satisfies as satisfies
    from pinn.run import Solution as Solution
    from pinn.run import load as load
    from pinn.run import resume as resume
    from pinn.run import solve as solve
    from pinn.setup import Points as Points
    from pinn.setup import Setup as Setup
    from pinn.setup import correction as correction
    from pinn.setup import two_phases as two_phases
    from pinn.symmetry import Mirror as Mirror
    from pinn.training import Callback as Callback
    from pinn.training import Phase as Phase
    from pinn.training import Report as Report
    from pinn.training import StopRule as StopRule
    from pinn.uncertainty import HMC as HMC
    from pinn.unknowns import Unknown as Unknown
    from pinn.unknowns import UnknownField as UnknownField
    from pinn.weights import NTK as NTK
    from pinn.weights import Causal as Causal
    from pinn.weights import GradientNorm as GradientNorm
    from pinn.weights import ReLoBRaLo as ReLoBRaLo
    from pinn.weights import ResidualAttention as ResidualAttention
    from pinn.weights import SelfAdaptive as SelfAdaptive

__version__ = "0.1.0"

_NAMES = {
    "checking": "check",
    "errors": "InputError ProblemWarning",
    "fitting": "Result fit minimize supervised",
    "geometry": (
        "Airfoil Ball Box Cylinder Difference Disk Domain Ellipse Extrusion Intersection Interval "
        "NoSpace PointCloud Polygon Rectangle Revolution Shell Spline Union"
    ),
    "measurements": "DataFile Synthetic",
    "networks": "Factorization Fourier Periodic Slope Subdomains mlp",
    "objective": "FieldScale PointSet Scales",
    "optimizers": (
        "BFGS LBFGS LBFGSB SOAP Adam GaussNewton GaussNewtonSVD MultiBatchLBFGS Residuals "
        "SSBroyden "
        "WarmupExponentialDecay"
    ),
    "parameters": "Parameter",
    "problem": (
        "At Delay Inside Material Part Problem complementarity final_time flux integral parameter "
        "positive residual satisfies"
    ),
    "run": "Solution load resume solve",
    "setup": "Points Setup correction two_phases",
    "symmetry": "Mirror",
    "training": "Callback Phase Report StopRule",
    "uncertainty": "HMC",
    "unknowns": "Unknown UnknownField",
    "weights": "NTK Causal GradientNorm ReLoBRaLo ResidualAttention SelfAdaptive",
}
_MODULES = {name: f"pinn.{module}" for module, names in _NAMES.items() for name in names.split()}

__all__ = ["__version__", *_MODULES]


if not TYPE_CHECKING:  # else every name would exist for type checkers

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module 'pinn' has no attribute {name!r}")
        if "tensorflow" not in sys.modules:
            _prepare_import()
        value = getattr(importlib.import_module(_MODULES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
