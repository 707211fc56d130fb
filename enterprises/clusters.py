"""聚集: signals of a territory and product against the firms there, so that a big county does not always glow.

O signals of a product in a place, e firms there. Expected E = sum(O) * (e + extra) / sum(e + extra). The ratio of a
place is Gamma(a, a), mean 1; a by moments from all places of the product (Marshall 1991; Clayton and Kaldor 1987).
After O signals it is Gamma(a + O, a + E): its mean is shown, with an interval. docs/clusters.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

LEAST_SHAPE, MOST_SHAPE = 0.5, 200.0
"""Between places as different as can be, and places that are all alike."""


@dataclass(frozen=True)
class Share:
    """A place of a product. expected: signals, from the firms there.  ratio: shrunk; low, high: of its interval."""

    observed: int
    firms: int
    expected: float
    ratio: float
    low: float
    high: float

    @property
    def stands_out(self) -> bool:
        """Whether even the low end of the interval is above what was expected."""
        return self.low > 1


def shares(observed: Sequence[int], firms: Sequence[int], *, extra: float, interval: float) -> list[Share]:
    """The places of one product, in the order given. Without any firm all places have the same expectation."""
    weights = [count + extra for count in firms]
    total = sum(observed)
    expected = [total * weight / sum(weights) for weight in weights]
    shape = _shape(observed, expected)
    found = []
    for seen, there, usual in zip(observed, firms, expected, strict=True):
        k, rate = shape + seen, shape + usual
        low, high = (_quantile(k, rate, part) for part in ((1 - interval) / 2, (1 + interval) / 2))
        found.append(Share(seen, there, usual, k / rate, low, high))
    return found


def _shape(observed: Sequence[int], expected: Sequence[float]) -> float:
    """a of Gamma(a, a): its variance 1/a is what the ratios vary beyond chance."""
    total = sum(expected)
    if total <= 0:
        return MOST_SHAPE
    spread = sum(usual * (seen / usual - 1) ** 2 for seen, usual in zip(observed, expected, strict=True) if usual > 0)
    beyond = spread / total - len(expected) / total
    return MOST_SHAPE if beyond <= 1 / MOST_SHAPE else max(LEAST_SHAPE, 1 / beyond)


def _quantile(shape: float, rate: float, part: float) -> float:
    """Of a gamma distribution, by Wilson and Hilferty (1931): within 2 % from shape 1 on, .01 below."""
    z = NormalDist().inv_cdf(part)
    third = 1 - 1 / (9 * shape) + z / (3 * sqrt(shape))
    return shape * max(0.0, third) ** 3 / rate
