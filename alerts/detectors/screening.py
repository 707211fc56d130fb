"""Many series judged at once: what the desk must expect of chance, and how to hold its share down."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Budget:
    """keys: series judged on each day.  rate: share of quiet key-days above the threshold."""

    keys: int
    rate: float

    def __post_init__(self) -> None:
        if self.keys < 0 or not 0 <= self.rate <= 1:
            raise ValueError(f"budget: {self.keys} keys at a rate of {self.rate} (accepted: >= 0 keys, 0 to 1)")

    @property
    def false_alarms_a_day(self) -> float:
        """Keys x rate: stands where a threshold is edited."""
        return self.keys * self.rate

    def sentence(self) -> str:
        """For the desk."""
        each = f"每千个序列日 {1000 * self.rate:.2g} 次"
        return f"{self.keys:,} 个序列，预计每天误报约 {self.false_alarms_a_day:.2g} 次（{each}）"


def rate_for(keys: int, alarms_a_day: float) -> float:
    """The false-positive rate at which so many keys give so many false alarms a day; at most 1.

    Raises ValueError for no key or a number of alarms that is not above 0.
    """
    if keys < 1 or not alarms_a_day > 0:
        raise ValueError(f"budget: {alarms_a_day} alarms a day over {keys} keys (accepted: both above 0)")
    return min(1.0, alarms_a_day / keys)


def benjamini_hochberg(p: npt.NDArray[np.float64], share: float) -> npt.NDArray[np.bool_]:
    """Which of the keys of one run stay alarms when at most `share` of the alarms may be false, on average.

    p: one a key, 1 for a key that cannot be an alarm (its number counts). Equal p are kept or dropped together.
    Benjamini and Hochberg (1995), J R Stat Soc B 57. Raises ValueError for p or share outside 0 to 1.
    """
    if not 0 < share < 1 or np.any(~((p >= 0) & (p <= 1))):
        raise ValueError(f"benjamini_hochberg: p from 0 to 1 and a share between 0 and 1 are needed (share {share})")
    rising = np.sort(p)
    good = np.flatnonzero(rising <= share * np.arange(1, len(p) + 1) / max(len(p), 1))
    kept: npt.NDArray[np.bool_] = p <= rising[good[-1]] if len(good) else np.zeros(len(p), dtype=bool)
    return kept
