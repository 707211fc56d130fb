"""Files that people uploaded, handed out again."""

from urllib.parse import quote

from starlette.responses import Response

from core.errors import UsageError
from ledger import proofs
from store.ledger import Proof
from web.visit import Refused, Visit


def download(visit: Visit, kept: Proof, number: str) -> Response:
    """A file as a download: never shown inside a page of ours. number: of the alert or entry it lies with.

    Raises Refused where the file is gone or is not what was uploaded.
    """
    try:
        body = proofs.read(visit.services.settings.data_dir, kept)
    except UsageError as problem:
        raise Refused(410, f"{problem}。") from problem
    name = f"attachment; filename=\"{number}-{kept.number}.{kept.type}\"; filename*=UTF-8''{quote(kept.name)}"
    return Response(body, media_type=proofs.CONTENT[kept.type], headers={"Content-Disposition": name})
