"""[1][2] behind the sentences of a paper."""

from collections.abc import Iterable, Sequence


class Numbers:
    """[1][2] of what is cited, as it first comes; nothing where a paper shows no numbers."""

    def __init__(self, cited: Sequence[str], *, shown: bool) -> None:
        self._places = {key: place for place, key in enumerate(cited, start=1)}
        self._shown = shown

    def of(self, rests: Iterable[str]) -> str:
        """The marks behind a sentence."""
        places = [self._places[key] for key in dict.fromkeys(rests) if key in self._places] if self._shown else []
        if len(places) <= 4:
            return "".join(f"[{place}]" for place in places)
        runs: list[list[int]] = []
        for place in sorted(places):
            if runs and place == runs[-1][-1] + 1:
                runs[-1].append(place)
            else:
                runs.append([place])
        return "".join(f"[{run[0]}]" if len(run) == 1 else f"[{run[0]}—{run[-1]}]" for run in runs)
