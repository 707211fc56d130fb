"""Where the model is asked, and what is taken from it: firms in sentences of risk that name no firm of the register."""

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from nlp.clauses import Clauses
from nlp.enterprises import FirmMention
from nlp.firm_names import NameGrammar
from nlp.issues import IssueMention
from nlp.recogniser.load import Recogniser, load_recogniser, read_card
from nlp.segment import Segmenter
from nlp.spans import Cover

_ACT = re.compile(r"[开进到去回逛]店$")  # what people do, not a shop's name
RULE = "recogniser model"
LONGEST = 400  # characters of one sentence that are read
MOST = 60  # sentences of one text that are read


class UnlistedFirms:
    """Asks a model folder. The model is read on first use, so that start-up stays light."""

    def __init__(self, folder: Path, segmenter: Segmenter, grammar: NameGrammar) -> None:
        """Raises ConfigError when the folder is no model folder."""
        read_card(folder)
        self._folder = folder
        self._segmenter = segmenter
        self._grammar = grammar

    @cached_property
    def _model(self) -> Recogniser:
        return load_recogniser(self._folder, self._segmenter.cut)

    def find(
        self,
        clauses: Clauses,
        firms: Sequence[FirmMention],
        products: Sequence[tuple[int, int, str]],
        issues: Sequence[IssueMention],
    ) -> list[FirmMention]:
        """Further firms, as unlinked names. None overlaps a firm, product or risk word that is known."""
        places = {*(issue.start for issue in issues if not issue.negated), *(start for start, _, _ in products)}
        linked = {clauses.sentence(firm.start) for firm in firms if firm.id and not firm.id.startswith("NIL:")}
        asked = sorted({clauses.sentence(place) for place in places} - linked)[:MOST]
        if not asked:
            return []
        texts = [clauses.text[start : min(end, start + LONGEST)] for start, end in asked]
        taken = Cover((*((firm.start, firm.end) for firm in firms), *((issue.start, issue.end) for issue in issues)))
        goods = Cover((start, end) for start, end, _ in products)
        found: list[FirmMention] = []
        for (begin, _), spans in zip(asked, self._model.find(texts), strict=True):
            for span in spans:
                start, end = begin + span.start, begin + span.end
                name = clauses.text[start:end]
                if taken.overlaps(start, end) or goods.holds(start, end):
                    continue
                if end - start > 1 and not _ACT.search(name) and not self._grammar.is_generic(name):
                    found.append(FirmMention(start, end, False, f"NIL:{name}", (), RULE, round(span.score, 3)))
        return found
