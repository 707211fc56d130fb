"""What people may read of a document: personal data masked in place, so that offsets hold."""

from core.records import Analysis, Document
from nlp.privacy import mask


def shown_text(document: Document, analysis: Analysis | None) -> str:
    """The text people may read."""
    if analysis is not None and len(analysis.masked_text) == len(document.text):
        return analysis.masked_text
    return mask(document.text)


def shown_title(document: Document, analysis: Analysis | None) -> str:
    """The title people may read; a post that has none shows how it begins."""
    title = analysis.masked_title if analysis and analysis.masked_title else mask(document.title)
    return title or (shown_text(document, analysis)[:40] + "…" if document.text else "（无标题）")
