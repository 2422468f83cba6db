"""Residuals in plain notation: u_t − D u_xx − u (1 − u) = 0."""

from __future__ import annotations

import ast
import inspect
import textwrap

from pinn.problem import Problem, Term

LONGEST = 120  # characters of an equation; longer ones are named only

_GREEK: dict[str, str] = dict(
    zip(
        "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi "
        "chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega".split(),
        "αβγδεζηθκλμνξπρστφχψωΓΔΘΛΞΠΣΦΨΩ",
        strict=True,
    )
)
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SIGNS = {ast.Add: " + ", ast.Sub: " − ", ast.Mult: " ", ast.Div: " / "}
_LEVELS = {ast.Add: 1, ast.Sub: 1, ast.Mult: 2, ast.Div: 2, ast.Pow: 4}
_UNARY = 3
_MODULES = ("tf", "np", "math", "numpy", "tensorflow")


def equation(problem: Problem, term: Term) -> str:
    """Return a residual as an equation, from the source of its method.

    A method that is more than one expression is named with its parameters: "heat(x, u_t) = 0".  A
    complementarity is "0 ≤ a ⊥ b ≥ 0".
    """
    if term.kind == "orthogonality":
        return f"⟨mode, mode {term.name.rpartition('_')[2]}⟩ = 0"
    if not term.is_method:
        jump = term.name.partition("_")[2]
        return f"{_name(jump)}_1 − {_name(jump)}_2 = 0"
    named = f"{term.name}({', '.join(_name(s.name) for s in term.symbols)})"
    named = f"{named}: 0 ≤ a ⊥ b ≥ 0" if term.kind == "complementarity" else f"{named} = 0"
    expression = _returned(problem, term)
    if expression is None:
        return named
    try:
        if term.kind == "complementarity":
            first, second = _pair(expression)
            text = f"0 ≤ {first} ⊥ {second} ≥ 0"
        else:
            text = f"{_Writer().visit(expression)[0]} = 0"
    except _Unwritten:
        return named
    return text if len(text) <= LONGEST else named


def _returned(problem: Problem, term: Term) -> ast.expr | None:
    """Return the only expression of a residual method, or None."""
    method = inspect.unwrap(getattr(type(problem), term.name))
    try:
        (function,) = ast.parse(textwrap.dedent(inspect.getsource(method))).body
    except (OSError, TypeError, SyntaxError, ValueError):  # as in a console
        return None
    if not isinstance(function, ast.FunctionDef):
        return None
    body = function.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]  # its docstring
    if len(body) != 1 or not isinstance(body[0], ast.Return):
        return None
    return body[0].value


def _pair(expression: ast.expr) -> tuple[str, str]:
    """Return the two expressions of a complementarity in plain notation."""
    if not isinstance(expression, ast.Tuple):
        raise _Unwritten
    first, second = expression.elts
    return _Writer().visit(first)[0], _Writer().visit(second)[0]


class _Unwritten(Exception):
    """An expression that has no plain notation here."""


class _Writer(ast.NodeVisitor):
    """Writes an expression: (text, how tightly its outermost operator binds)."""

    def generic_visit(self, node: ast.AST) -> tuple[str, int]:
        """Refuse what is not written."""
        raise _Unwritten

    def visit_Name(self, node: ast.Name) -> tuple[str, int]:
        """Return a name, Greek letters as such."""
        return _name(node.id), 5

    def visit_Constant(self, node: ast.Constant) -> tuple[str, int]:
        """Return a number."""
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise _Unwritten
        return f"{node.value:.6g}", 5

    def visit_Attribute(self, node: ast.Attribute) -> tuple[str, int]:
        """Return self.D as D, and math.pi as π."""
        if isinstance(node.value, ast.Name) and node.value.id in ("self", *_MODULES):
            return _name(node.attr), 5
        raise _Unwritten

    def visit_Call(self, node: ast.Call) -> tuple[str, int]:
        """Return tf.sin(x) as sin(x)."""
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            raise _Unwritten
        arguments = [self.visit(argument)[0] for argument in node.args]
        function = node.func
        while isinstance(function, ast.Attribute) and isinstance(function.value, ast.Attribute):
            function = ast.Attribute(function.value.value, function.attr)  # tf.math.erf is erf
        return f"{self.visit(function)[0]}({', '.join(arguments)})", 5

    def visit_UnaryOp(self, node: ast.UnaryOp) -> tuple[str, int]:
        """Return −x."""
        if not isinstance(node.op, ast.USub):
            raise _Unwritten
        return f"−{self._inside(node.operand, _UNARY)}", 2

    def visit_BinOp(self, node: ast.BinOp) -> tuple[str, int]:
        """Return a sum, product, quotient or power."""
        level = _LEVELS.get(type(node.op))
        if level is None:
            raise _Unwritten
        if isinstance(node.op, ast.Pow):
            return self._power(node), level
        left = self._inside(node.left, level)
        # a − (b − c) and a / (b c) keep their parentheses.
        tighter = isinstance(node.op, ast.Sub | ast.Div)
        right = self._inside(node.right, level + tighter)
        return f"{left}{_SIGNS[type(node.op)]}{right}", level

    def _power(self, node: ast.BinOp) -> str:
        base = self._inside(node.left, 5)
        exponent = node.right
        if isinstance(exponent, ast.Constant) and isinstance(exponent.value, int):
            return f"{base}{str(exponent.value).translate(_SUPERSCRIPTS)}"
        return f"{base}^{self._inside(exponent, 5)}"

    def _inside(self, node: ast.expr, least: int) -> str:
        """Return an operand, in parentheses where it binds less tightly than it must."""
        text, level = self.visit(node)
        return text if level >= least else f"({text})"


def _name(name: str) -> str:
    """Return a name with Greek letters and lowered digits: lambda1 is λ₁, theta_tt is θ_tt."""
    head, mark, tail = name.partition("_")
    if head == "lap" and mark:
        return f"Δ{_name(tail)}"
    letters = head.rstrip("0123456789")
    digits = head[len(letters) :]
    return f"{_GREEK.get(letters, letters)}{digits.translate(_SUBSCRIPTS)}{mark}{tail}"
