"""The frozen records of what a publication states as facts: recalls and spot checks (source catalogue, section 7)."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Firm:
    """A firm and its part.

    role: manufacturer | importer | distributor | retailer | recaller (of a title) | firm.
    code: its credit code where the page gives it.
    """

    name: str
    role: str = "firm"
    code: str = ""


@dataclass(frozen=True)
class Recall:
    """One recall, from whichever agency. Raw words of the source, apart from what is counted or compared.

    quantity: pieces in all, None where no number is given; quantity_text: how the source says it.
    hazard_type: ids of facts/hazards.py.  recall_no: as written.
    barcodes: without blanks, whatever their check digit says (facts/barcodes.py tells).
    jurisdiction: ISO 3166 code of the country of the agency, EU for Safety Gate.  recall_date: None where unsaid.
    """

    recall_no: str = ""
    agency: str = ""
    jurisdiction: str = ""
    product_name: str = ""
    category_raw: str = ""
    brand: str = ""
    models: tuple[str, ...] = ()
    batches: tuple[str, ...] = ()
    barcodes: tuple[str, ...] = ()
    production_period: str = ""
    quantity: int | None = None
    quantity_text: str = ""
    defect: str = ""
    hazard_text: str = ""
    hazard_type: tuple[str, ...] = ()
    consequence: str = ""
    measure: str = ""
    firms: tuple[Firm, ...] = ()
    origin_country: str = ""
    injuries: str = ""
    recall_date: date | None = None
    status: str = ""


@dataclass(frozen=True)
class SpotCheck:
    """One row of a spot-check list. result: qualified | unqualified | "" (unsaid).

    failed_items, values, standards run side by side where the row gives a value and a limit for each item.
    client: who had it made (委托方); agent: who imports or represents it.
    """

    notice_no: str = ""
    product: str = ""
    sample: str = ""
    brand: str = ""
    model: str = ""
    batch: str = ""
    nominal_producer: str = ""
    seller: str = ""
    client: str = ""
    agent: str = ""
    province: str = ""
    failed_items: tuple[str, ...] = ()
    value: str = ""
    standard: str = ""
    lab: str = ""
    result: str = ""
