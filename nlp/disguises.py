"""Words written around a filter (`chi锂`, `充电qi`, `锂电迟`, `着🔥`) become the words they stand for, on short texts.

Reading by sound is a guess. Letters between Chinese characters must spell a word of the lexicon or a firm together with
the characters beside them; without letters one character of three or more may be a homophone, and only where it stands
alone in no word of its own. Long texts come from desks that write properly: they are left as they are.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from nlp.normalize import Normalized
from nlp.pinyin import sound_of
from nlp.segment import Segmenter

LONGEST = 800  # characters of a text that is read by sound
_LONGEST_WORD = 6  # characters
_SHORT = 2  # characters: too few to be read by sound
_LETTERS = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2,24}(?![A-Za-z0-9])")
_HANZI = re.compile(r"[\u4e00-\u9fff]")
_RUN = re.compile(r"[\u4e00-\u9fff]{3,}")
_PICTURES = re.compile(r"(?<=[着起失冒灭救])🔥|(?<=[爆])💥|🔋(?=[爆炸鼓冒着起漏])")
_PICTURED = {"🔥": "火", "💥": "炸", "🔋": "电池"}
_FUNCTION_WORDS = frozenset(
    "的一是不了在人有我他她它这那中大来上下个和也到说们为你时就要出会可得以着自之过对能都小后多么于等又见偏行版登被把将与及或但而且很更最还再"
)
_FEWEST_ALONE = 6  # letters of a word that is spelt altogether


class Disguises:
    """Undoes them with the words it knows. Immutable after construction."""

    def __init__(
        self, words: Iterable[str], names: Iterable[str], segmenter: Segmenter, misspelt: Mapping[str, Iterable[str]]
    ) -> None:
        """words: of products and issues, read by letters and by sound.  names: of firms, read by letters only.
        misspelt: words of two characters with the homophones that stand for them; too short to be read by sound."""
        self._misspelt = {form: word for word, forms in misspelt.items() for form in forms}
        self._wrong = re.compile("|".join(map(re.escape, self._misspelt)) or r"(?!)")
        self._segmenter = segmenter
        known = [word for word in dict.fromkeys(words) if 2 <= len(word) <= _LONGEST_WORD and _is_hanzi(word)]
        named = [name for name in dict.fromkeys(names) if 2 <= len(name) <= _LONGEST_WORD and _is_hanzi(name)]
        self._spelt = self._by_sound([*known, *named], "")
        self._alike = self._by_sound((word for word in known if len(word) > _SHORT), " ")

    def _by_sound(self, words: Iterable[str], between: str) -> Mapping[str, list[str]]:
        index: dict[str, list[str]] = {}
        for word in words:
            index.setdefault(between.join(map(sound_of, word)), []).append(word)
        return index

    def undo(self, whole: Normalized) -> Normalized:
        """`whole` with the plain words in it; offsets still lead to the original."""
        if len(whole.text) > LONGEST:
            return whole
        changes = [(match.start(), match.end(), _PICTURED[match.group()]) for match in _PICTURES.finditer(whole.text)]
        changes += [(*match.span(), self._misspelt[match.group()]) for match in self._wrong.finditer(whole.text)]
        changes += self._letters(whole.text)
        changes += self._homophones(whole.text)
        return whole.rewritten(changes) if changes else whole

    def _letters(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Runs of letters that spell a part of a known word, with what they stand for."""
        for match in _LETTERS.finditer(text):
            start, end = match.span()
            if not (_HANZI.match(text, start - 1) if start else None) and not _HANZI.match(text, end):
                continue
            best = max(self._spellings(text, start, end), key=len, default="")
            if best:
                yield start, end, best

    def _spellings(self, text: str, start: int, end: int) -> Iterator[str]:
        """What text[start:end] may stand for, by every known word that holds it and the characters beside it."""
        letters = text[start:end].lower()
        left = next((n for n in range(_LONGEST_WORD) if not _hanzi_at(text, start - n - 1)), _LONGEST_WORD)
        right = next((n for n in range(_LONGEST_WORD) if not _hanzi_at(text, end + n)), _LONGEST_WORD)
        for before in range(left, -1, -1):
            head = text[start - before : start]
            for after in range(right, -1, -1):
                tail = text[end : end + after]
                if not head and not tail and len(letters) < _FEWEST_ALONE:
                    continue
                key = "".join(map(sound_of, head)) + letters + "".join(map(sound_of, tail))
                for word in self._spelt.get(key, ()):
                    inner = word[before : len(word) - after]
                    if word.startswith(head) and word.endswith(tail) and "".join(map(sound_of, inner)) == letters:
                        yield inner

    def _homophones(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Single characters that sound like the one that would make a known word of their neighbours."""
        for run in _RUN.finditer(text):
            sounds = [sound_of(char) for char in run.group()]
            for start in range(len(sounds)):
                for length in range(min(_LONGEST_WORD, len(sounds) - start), _SHORT, -1):
                    words = self._alike.get(" ".join(sounds[start : start + length]), ())
                    yield from self._one_off(text, run.start() + start, words)

    def _one_off(self, text: str, start: int, words: Iterable[str]) -> Iterator[tuple[int, int, str]]:
        """The one character from `start` on that differs from one of `words`; none where the word itself stands."""
        for word in words:
            odd = [place for place, char in enumerate(word, start) if text[place] != char]
            if not odd:
                return
            if len(odd) == 1 and self._stands_alone(text, odd[0]):
                yield odd[0], odd[0] + 1, word[odd[0] - start]
                return

    def _stands_alone(self, text: str, place: int) -> bool:
        """Whether the character means nothing by itself or with a neighbour."""
        if text[place] in _FUNCTION_WORDS:
            return False
        around = (text[place - 1 : place + 1], text[place : place + 2])
        return not any(len(pair) > 1 and self._segmenter.knows(pair) for pair in around)


def _hanzi_at(text: str, place: int) -> bool:
    return place >= 0 and bool(_HANZI.match(text, place))


def _is_hanzi(word: str) -> bool:
    return all(map(_HANZI.match, word))
