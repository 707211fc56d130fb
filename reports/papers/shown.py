"""A paper as lines of a page: the same parts in the same order as its docx."""

from dataclasses import dataclass

from reports.papers.bars import drawn
from reports.papers.numbers import Numbers
from reports.papers.record import BLANK, Blank, Block, Chart, Content, Field, Grid, Paragraph, shown

REWORDED = "（上段措辞由本地模型调整，数字、引文和依据未变，请核对；本行不印出。）"


@dataclass(frozen=True)
class Piece:
    """A stretch of a line. waits: a field that nobody filled or confirmed."""

    text: str
    waits: bool = False


@dataclass(frozen=True)
class Line:
    """sort: heading | second | text | caption | note | table | chart | annex | right.  svg: of a chart."""

    sort: str
    pieces: tuple[Piece, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    svg: str = ""


def shown_paper(content: Content, values: dict[str, str]) -> list[Line]:
    """All of it but the title, and the list of evidence."""
    return list(_Shown(content, values).lines())


class _Shown:
    def __init__(self, content: Content, values: dict[str, str]) -> None:
        self.content, self.values = content, values
        self.fields: dict[str, Field] = {one.key: one for one in content.fields}
        self.numbers = Numbers(content.cited(), shown=content.marked)

    def lines(self) -> list[Line]:
        content = self.content
        found = [Line("flush", (Piece(f"{content.to}："),))] if content.to else []
        found += self._blocks(content.opening)
        for section in content.sections:
            if section.heading:
                found.append(Line("heading" if section.level == 1 else "second", (Piece(section.heading),)))
            found += self._blocks(section.blocks)
        found += self._blocks(content.closing)
        found += [Line("right", (Piece(content.sender),)), Line("right", (Piece(content.day),))]
        for number, annex in enumerate(content.annexes, start=1):
            found.append(Line("annex", (Piece(f"附件{number}　{annex.title}"),)))
            found += self._blocks(annex.blocks)
        return found

    def _blocks(self, blocks: tuple[Block, ...]) -> list[Line]:
        return [line for block in blocks for line in self._block(block)]

    def _block(self, block: Block) -> list[Line]:
        if isinstance(block, Paragraph):
            text = "".join(one.text + self.numbers.of(one.rests) for one in block.said)
            found = [Line("flush" if block.flush else "text", self._pieces(text))]
            return [*found, Line("note", (Piece(REWORDED),))] if block.reworded else found
        if isinstance(block, Blank):
            return self._field(self.fields[block.key])
        if isinstance(block, Grid):
            return self._grid(block)
        assert isinstance(block, Chart)
        caption = block.caption + self.numbers.of(block.rests)
        return [Line("chart", svg=drawn(block, page=True)), Line("caption", (Piece(caption),))]

    def _field(self, one: Field) -> list[Line]:
        told = self.values.get(one.key, "")
        if told and told != one.drafted:
            rests = self.numbers.of(key for said in one.draft for key in said.rests)
            lines = [line for line in told.splitlines() if line.strip()]
            return [
                Line("text", (Piece(line + (rests if number == len(lines) else "")),))
                for number, line in enumerate(lines, start=1)
            ]
        parts = [said.text + self.numbers.of(said.rests) for said in one.draft] or [shown(one, {})]
        parts = parts if one.lines else ["".join(parts)]
        found = [Line("text", (Piece(part, waits=not one.draft),)) for part in parts]
        if not told and one.draft:
            found[-1] = Line("text", (*found[-1].pieces, Piece("【待确认】", waits=True)))
        return found

    def _grid(self, grid: Grid) -> list[Line]:
        marked = self.content.marked and any(grid.rests)
        rests = (*grid.rests, *((),) * (len(grid.rows) - len(grid.rests)))
        rows = tuple(
            tuple(self._plain(cell) for cell in ((*row, self.numbers.of(of)) if marked else row))
            for row, of in zip(grid.rows, rests, strict=True)
        )
        found = [Line("caption", (Piece(grid.caption + self.numbers.of(grid.whole)),))] if grid.caption else []
        found.append(Line("table", head=(*grid.head, "依据") if marked else grid.head, rows=rows))
        return [*found, Line("note", (Piece(grid.note),))] if grid.note else found

    def _plain(self, text: str) -> str:
        return BLANK.sub(lambda found: shown(self.fields[found[1]], self.values), text)

    def _pieces(self, text: str) -> tuple[Piece, ...]:
        found, at = [], 0
        for hit in BLANK.finditer(text):
            one = self.fields[hit[1]]
            found += [Piece(text[at : hit.start()]), Piece(shown(one, self.values), not self.values.get(one.key))]
            at = hit.end()
        return tuple(piece for piece in (*found, Piece(text[at:])) if piece.text)
