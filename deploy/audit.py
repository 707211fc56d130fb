"""Known holes of the pinned requirements: `python -m deploy.audit` asks pip-audit, which asks the index. `make audit`
gives it an environment of its own. Where nobody answers, that is said and nothing is called safe or unsafe.

Exit 1 only for a hole that is known.
"""

import json
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements.txt"
COMMAND = (
    "-m", "pip_audit", "--requirement", str(REQUIREMENTS), "--no-deps", "--disable-pip", "--format", "json",
    "--progress-spinner", "off",
)  # fmt: skip
SECONDS = 300


def main() -> int:
    """Ask, and say what was answered."""
    try:
        run = subprocess.run([sys.executable, *COMMAND], capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return _not_asked(f"no answer within {SECONDS} s")
    return told(run.stdout, run.stderr)


def told(answer: str, problem: str) -> int:
    """The exit code for what pip-audit printed; an answer that is no JSON is none."""
    try:
        found = json.loads(answer)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return _not_asked((problem.strip().splitlines() or ["pip-audit said nothing"])[-1][:300])
    silent = [f"{one['name']} ({one['skip_reason']})" for one in found if one.get("skip_reason")]
    if len(silent) == len(found):
        return _not_asked(silent[0] if silent else "the answer names no package")
    holes = [(one["name"], one["version"], hole) for one in found for hole in one.get("vulns", ())]
    for name, version, hole in holes:
        print(
            f"{name} {version}: {hole['id']}; mended in {', '.join(hole.get('fix_versions', ())) or 'no version yet'}"
        )
    print(f"{len(found) - len(silent)} packages asked about, {len(holes)} known holes")
    if silent:
        print(f"not audited, nothing was answered: {', '.join(silent)}", file=sys.stderr)
    return int(bool(holes))


def _not_asked(why: str) -> int:
    told = (
        "on a machine that reaches the index: make audit; offline: pip-audit --requirement requirements.txt elsewhere"
    )
    print(f"skipped, not audited: {why}\n{told}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
