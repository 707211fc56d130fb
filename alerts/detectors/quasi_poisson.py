"""Log-linear regression of overdispersed counts, by iteratively reweighted least squares.

McCullagh, Nelder (1989), "Generalized Linear Models", sections 2.5, 6.2 and 9.2; starting values, stopping rule and the
treatment of dependent columns are those R's glm documents, so that fits stopped early (a period without a single
count has no finite estimate) come out alike.
"""

from dataclasses import dataclass

import numpy as np

from alerts.detectors.detector import Flags, Floats

ROUNDS = 25
CLOSE_ENOUGH = 1e-8
DEPENDENT = 1e-11
"""A column of which less than this share is not explained by those before it is left out."""
LEAST_MEAN = 2.0**-52


@dataclass(frozen=True, slots=True)
class Fit:
    """One fit. n rows, p columns of which `used` say which entered (a dependent one has coefficient 0).

    covariance: unscaled, p x p, 0 for columns left out.  leverage: n.  working_weight: of the last round, n.
    working_residual: (y - mean) / mean, n.  freedom: rows less columns used.
    """

    coefficients: Floats
    used: Flags
    mean: Floats
    covariance: Floats
    leverage: Floats
    working_weight: Floats
    working_residual: Floats
    freedom: int
    converged: bool

    @property
    def dispersion(self) -> float:
        """Pearson's chi-squared over the degrees of freedom; NaN where none are left."""
        return _share((self.working_weight * self.working_residual**2).sum(), self.freedom)

    def dispersion_under(self, weight: Floats) -> float:
        """The sum of weight x working residual^2 over the degrees of freedom."""
        return _share((weight * self.working_residual**2).sum(), self.freedom)


def fit_counts(design: Floats, counts: Floats, weight: Floats) -> Fit:
    """Fit log mean = design x coefficients to counts >= 0 (no NaN) with prior weights > 0."""
    mean, linear = counts + 0.1, np.log(counts + 0.1)
    before = _deviance(counts, mean, weight)
    used: Flags = np.ones(design.shape[1], dtype=np.bool_)
    converged = False
    for _ in range(ROUNDS):
        working_weight = weight * mean
        root = np.sqrt(working_weight)
        orthogonal, triangle = _factors(design, root, used)
        target = root * (linear + (counts - mean) / mean)
        solved = np.linalg.solve(triangle, orthogonal.T @ target)
        linear = design[:, used] @ solved
        mean = np.maximum(np.exp(np.minimum(linear, 700)), LEAST_MEAN)
        now = _deviance(counts, mean, weight)
        converged = bool(abs(now - before) / (abs(now) + 0.1) < CLOSE_ENOUGH)
        before = now
        if converged or not np.isfinite(now):
            break
    coefficients, covariance = np.zeros(len(used)), np.zeros((len(used), len(used)))
    coefficients[used] = solved
    inverse = np.linalg.inv(triangle)
    covariance[np.ix_(used, used)] = inverse @ inverse.T
    return Fit(
        coefficients=coefficients,
        used=used,
        mean=mean,
        covariance=covariance,
        leverage=(orthogonal**2).sum(axis=1),
        working_weight=working_weight,
        working_residual=(counts - mean) / mean,
        freedom=len(counts) - int(used.sum()),
        converged=converged,
    )


def _factors(design: Floats, root: Floats, used: Flags) -> tuple[Floats, Floats]:
    """Q and R of the weighted design; marks in `used` the columns that depend on earlier ones and leaves them out."""
    while True:
        weighted = design[:, used] * root[:, None]
        orthogonal, triangle = np.linalg.qr(weighted)
        size = np.sqrt((weighted**2).sum(axis=0))
        left = np.zeros(len(size))
        left[: len(triangle)] = np.abs(np.diagonal(triangle))
        dependent = np.flatnonzero(left <= DEPENDENT * size)
        if not len(dependent):
            return orthogonal, triangle
        used[np.flatnonzero(used)[dependent[0]]] = False


def _deviance(counts: Floats, mean: Floats, weight: Floats) -> float:
    ratio = np.where(counts > 0, counts, 1.0) / mean
    return float(2 * (weight * (counts * np.log(ratio) - (counts - mean))).sum())


def _share(total: float, freedom: int) -> float:
    return float(total) / freedom if freedom > 0 else float("nan")
