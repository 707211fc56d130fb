"""The learnt order of the alert list: how likely an alert is to be confirmed, from what became of earlier ones.

A logistic regression with a strong pull to nothing (L2), on few features that a person can read; how often the desk
confirmed alerts of the same rule, product and firm before is one of them, shrunk to the mean. It changes order only:
no level, and nothing is hidden; level I stays first. Same marks, same order.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log, log1p
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from alerts.rank_cases import Case

Floats = npt.NDArray[np.float64]
RED = 4
SHRINK = 5.0
"""Marks that the mean of all is worth against those of one rule, product or firm."""
PENALTY = 3.0
"""L2 on standardised features: with 200 marks a feature that says nothing stays within a tenth of nothing."""
WORDS: Mapping[str, str] = {
    "level": "级别", "rule": "同规则往例", "product": "同产品往例", "firm": "同企业往例", "origins": "独立来源数",
    "reposts": "转载数", "sources": "信源数", "voices": "渠道类数", "official": "有官方来源", "media": "有媒体来源",
    "unconfirmed": "只有自媒体", "named": "点名企业", "night": "夜间发生",
}  # fmt: skip
FEATURES = tuple(WORDS)
NIGHT = (22, 6)


@dataclass
class Past:
    """How often alerts were confirmed so far, of all and by rule, product and firm."""

    marked: int = 0
    confirmed: int = 0
    _marked: Counter[str] = field(default_factory=Counter)
    _confirmed: Counter[str] = field(default_factory=Counter)

    def learn(self, case: Case) -> None:
        """One more mark."""
        right = case.mark is not None and case.mark.mark == "confirmed"
        self.marked, self.confirmed = self.marked + 1, self.confirmed + right
        for key in _keys(case):
            self._marked[key] += 1
            self._confirmed[key] += right

    def share(self, key: str) -> float:
        """The share confirmed, leaning on that of all, which leans on one half."""
        usual = (self.confirmed + SHRINK / 2) / (self.marked + SHRINK)
        return (self._confirmed[key] + SHRINK * usual) / (self._marked[key] + SHRINK)

    def as_json(self) -> dict[str, Any]:
        """To keep."""
        told = {key: [self._confirmed[key], self._marked[key]] for key in sorted(self._marked)}
        return {"marked": self.marked, "confirmed": self.confirmed, "by": told}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """What `as_json` gave."""
        made = cls(int(told["marked"]), int(told["confirmed"]))
        for key, (right, of) in told["by"].items():
            made._confirmed[key], made._marked[key] = right, of
        return made


def _keys(case: Case) -> list[str]:
    named = (("r", case.rule), ("p", case.product), ("f", case.firm))
    return [f"{kind}:{value}" for kind, value in named if value]


def features(case: Case, past: Past) -> list[float]:
    """One number a feature, in the order of FEATURES."""
    shares = [
        past.share(f"{kind}:{value}") for kind, value in (("r", case.rule), ("p", case.product), ("f", case.firm))
    ]
    return [
        float(case.level),
        *(log(share / (1 - share)) for share in shares),
        log1p(case.origins),
        log1p(case.reposts),
        log1p(case.sources),
        float(len(case.voices)),
        float("official" in case.voices),
        float("media" in case.voices),
        float(bool(case.voices) and case.voices <= {"social"}),
        float(bool(case.firm) and not case.firm.startswith("NIL:")),
        float(case.hour >= NIGHT[0] or case.hour < NIGHT[1]),
    ]


@dataclass(frozen=True)
class Model:
    """weights: of standardised features.  mean, scale: what standardises them.  past: what shares lean on."""

    weights: Floats
    bias: float
    mean: Floats
    scale: Floats
    past: Past

    def score(self, case: Case) -> float:
        """How likely it is to be confirmed, 0 to 1."""
        return float(expit(self._standard(case) @ self.weights + self.bias))

    def why(self, case: Case, most: int = 3) -> list[tuple[str, float]]:
        """The features that moved it most, with how much (log odds), the strongest first."""
        parts = self._standard(case) * self.weights
        order = sorted(range(len(FEATURES)), key=lambda place: (-abs(parts[place]), place))
        return [(WORDS[FEATURES[place]], float(parts[place])) for place in order[:most] if abs(parts[place]) >= 0.05]

    def _standard(self, case: Case) -> Floats:
        return (np.array(features(case, self.past)) - self.mean) / self.scale

    def as_json(self) -> dict[str, Any]:
        """To keep."""
        return {
            "features": list(FEATURES), "weights": self.weights.tolist(), "bias": self.bias, "mean": self.mean.tolist(),
            "scale": self.scale.tolist(), "past": self.past.as_json(),
        }  # fmt: skip

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self | None:
        """What `as_json` gave; None where it knows other features than this program."""
        if told.get("features") != list(FEATURES):
            return None
        arrays = {name: np.array(told[name], dtype=np.float64) for name in ("weights", "mean", "scale")}
        return cls(**arrays, bias=float(told["bias"]), past=Past.of(told["past"]))


def train(cases: Sequence[Case]) -> Model | None:
    """Learn from marked alerts in the order of their marks; each is seen with the shares of those before it.

    Duplicates count as not confirmed: they need no look of their own. None where all or none were confirmed.
    """
    past, rows = Past(), []
    right = np.array([float(case.mark is not None and case.mark.mark == "confirmed") for case in cases])
    for case in cases:
        rows.append(features(case, past))
        past.learn(case)
    if not len(right) or right.min() == right.max():
        return None
    raw = np.array(rows)
    mean, scale = raw.mean(axis=0), raw.std(axis=0)
    scale[scale < 1e-9] = 1.0
    weights, bias = _fit((raw - mean) / scale, right)
    return Model(weights, bias, mean, scale, past)


def _fit(rows: Floats, right: Floats) -> tuple[Floats, float]:
    """The minimum of log loss + PENALTY / 2 |weights|^2; the bias is free. Convex: there is one."""

    from scipy.optimize import minimize  # here: only a training needs it

    def loss(values: Floats) -> tuple[float, Floats]:
        weights, bias = values[:-1], values[-1]
        odds = rows @ weights + bias
        miss = expit(odds) - right
        value = float(np.logaddexp(0.0, odds).sum() - right @ odds + PENALTY / 2 * weights @ weights)
        return value, np.append(rows.T @ miss + PENALTY * weights, miss.sum())

    found = minimize(loss, np.zeros(rows.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return found.x[:-1], float(found.x[-1])


def reordered(cases: Iterable[Case], model: Model) -> list[tuple[Case, float]]:
    """Level I first, then the likeliest to be confirmed; equals by the time they opened, then by id."""
    scored = [(case, model.score(case)) for case in cases]
    return sorted(scored, key=lambda each: (each[0].level < RED, -each[1], each[0].opened, each[0].alert))
