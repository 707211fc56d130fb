"""What OASIS Common Alerting Protocol 1.2 (section 3.2, appendix A) asks of a message, as a checker of its own."""

import re
from collections.abc import Mapping
from xml.etree import ElementTree

CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
# Elements in their order, with how often they may stand: at least, at most (None: any number).
ALERT = {
    "identifier": (1, 1), "sender": (1, 1), "sent": (1, 1), "status": (1, 1), "msgType": (1, 1), "source": (0, 1),
    "scope": (1, 1), "restriction": (0, 1), "addresses": (0, 1), "code": (0, None), "note": (0, 1),
    "references": (0, 1), "incidents": (0, 1), "info": (0, None),
}  # fmt: skip
INFO = {
    "language": (0, 1), "category": (1, None), "event": (1, 1), "responseType": (0, None), "urgency": (1, 1),
    "severity": (1, 1), "certainty": (1, 1), "audience": (0, 1), "eventCode": (0, None), "effective": (0, 1),
    "onset": (0, 1), "expires": (0, 1), "senderName": (0, 1), "headline": (0, 1), "description": (0, 1),
    "instruction": (0, 1), "web": (0, 1), "contact": (0, 1), "parameter": (0, None), "resource": (0, None),
    "area": (0, None),
}  # fmt: skip
AREA = {"areaDesc": (1, 1), "polygon": (0, None), "circle": (0, None), "geocode": (0, None), "altitude": (0, 1)}
NAMED = {"valueName": (1, 1), "value": (1, 1)}
INSIDE: Mapping[str, Mapping[str, tuple[int, int | None]]] = {
    "alert": ALERT, "info": INFO, "area": AREA, "parameter": NAMED, "geocode": NAMED, "eventCode": NAMED,
}  # fmt: skip
WORDS = {
    "status": "Actual Exercise System Test Draft",
    "msgType": "Alert Update Cancel Ack Error",
    "scope": "Public Restricted Private",
    "category": "Geo Met Safety Security Rescue Fire Health Env Transport Infra CBRNE Other",
    "responseType": "Shelter Evacuate Prepare Execute Avoid Monitor Assess AllClear None",
    "urgency": "Immediate Expected Future Past Unknown",
    "severity": "Extreme Severe Moderate Minor Unknown",
    "certainty": "Observed Likely Possible Unlikely Unknown",
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")  # no Z, no fractions, the zone told
ID = re.compile(r"[^\s,<&]+")


def faults(message: bytes) -> list[str]:
    """What is wrong with a message; empty: nothing."""
    root = ElementTree.fromstring(message)
    found = [] if root.tag == f"{CAP}alert" else [f"root is {root.tag}"]
    found += _inside(root)
    for element in root.iter():
        name, text = element.tag.removeprefix(CAP), (element.text or "").strip()
        if name in WORDS and text not in WORDS[name].split():
            found.append(f"{name}: {text}")
        if name in ("sent", "effective", "onset", "expires") and not MOMENT.fullmatch(text):
            found.append(f"{name}: {text}")
        if name in ("identifier", "sender") and not ID.fullmatch(text):
            found.append(f"{name}: {text}")
        if name == "references" and any(len(one.split(",")) != 3 for one in text.split()):
            found.append(f"{name}: {text}")
    told = {element.tag.removeprefix(CAP) for element in root}
    scope = root.findtext(f"{CAP}scope")
    if (scope == "Restricted") != ("restriction" in told) or (scope == "Private" and "addresses" not in told):
        found.append(f"scope {scope} without what it needs")
    if root.findtext(f"{CAP}msgType") in ("Update", "Cancel") and "references" not in told:
        found.append("it changes an earlier message and names none")
    if root.findtext(f"{CAP}status") == "Exercise" and "note" not in told:
        found.append("an exercise without a note")
    return found


def _inside(element: ElementTree.Element) -> list[str]:
    allowed = INSIDE.get(element.tag.removeprefix(CAP))
    if allowed is None:
        return [f"{element.tag}: has children"] if len(element) else []
    names = [child.tag.removeprefix(CAP) for child in element]
    found = [f"{element.tag}: {name} is unknown" for name in names if name not in allowed]
    order = [list(allowed).index(name) for name in names if name in allowed]
    found += [f"{element.tag}: out of order"] if order != sorted(order) else []
    for name, (least, most) in allowed.items():
        count = names.count(name)
        if count < least or (most is not None and count > most):
            found.append(f"{element.tag}: {name} stands {count} times")
    return found + [fault for child in element for fault in _inside(child)]
