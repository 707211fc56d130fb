"""Chinese characters by their sound, without tones."""


def spelt(text: str) -> str:
    """The syllables of a text in a row, in lower case; what is no Chinese character stays (`赣州A` > `ganzhoua`)."""
    return "".join(_syllables(text)).lower()


def sound_of(char: str) -> str:
    """The usual syllable of a character, without tone; the character itself where it has none."""
    return _syllables(char)[0]


def _syllables(text: str) -> list[str]:
    from pypinyin import lazy_pinyin  # here: it takes 0.4 s of each process that asks for no sound

    return lazy_pinyin(text)
