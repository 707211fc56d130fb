"""How much each way of finding a word counts, the same in both backends."""

from collections.abc import Mapping, Sequence

WEIGHTS: Mapping[str, float] = {"title_words": 2.0, "title_grams": 1.6, "body_words": 1.0, "body_grams": 0.8}
"""A word in the title says what a publication is about; characters that the segmenter did not see as that word count
a little less than the word. The best of them counts, not their sum. Set by hand, not yet measured: there is no set of
judged searches to measure them on; they order hits and decide nothing else."""


def weight_of(view: str, tokens: Sequence[str]) -> float:
    """The weight of consecutive tokens: engines add up how rare each of them is, a word should count once."""
    return WEIGHTS[view] / len(tokens)
