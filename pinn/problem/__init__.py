"""Problems: named residuals on named regions, whose parameter names declare their derivatives."""

from pinn.problem.declaration import Term, final_time, positive, residual, satisfies
from pinn.problem.evaluation import call
from pinn.problem.problem import Problem

__all__ = ["Problem", "Term", "call", "final_time", "positive", "residual", "satisfies"]
