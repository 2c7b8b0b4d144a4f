"""`python -m tests.audit`: no known vulnerability and no AGPL among what uv.lock installs; the advisories once a day.

Ends with 1 for a vulnerability or a licence. Where the advisories cannot be had, a line says so and nothing fails: a
registry that is away is no reason not to test.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
UV = ROOT / ".tools" / "bin" / "uv"
STAMP = ROOT / ".venv" / ".audited"
PIP_AUDIT = "pip-audit==2.10.1"
SECONDS = 120.0
FRESH_SECONDS = 24 * 3_600.0
AGAIN_SECONDS = 3_600.0
"""After advisories could not be had: not at each run of the tests."""
# Ours is a service: the AGPL would ask for its source from everybody who chats with it.
FORBIDDEN = ("AGPL", "AFFERO")


def findings_of(report: dict[str, Any]) -> tuple[list[str], int]:
    """A line for each vulnerability in a report of pip-audit, and of how many packages nothing was known."""
    found = [
        f"{one['name']} {one['version']}: {known['id']}, fixed in {', '.join(known['fix_versions']) or 'none'}"
        for one in report["dependencies"]
        for known in one.get("vulns", ())
    ]  # fmt: skip
    return found, sum("skip_reason" in one for one in report["dependencies"])


def forbidden_licences(installed: Iterable[Distribution]) -> list[str]:
    found = []
    for one in installed:
        told: Any = one.metadata
        said = [told["License-Expression"], told["License"], *(told.get_all("Classifier") or ())]
        # A licence's whole text may name the others.
        if any(name in line[:100].upper() for line in said if line for name in FORBIDDEN):
            found.append(f"{told['Name']} {one.version} is under the AGPL")
    return found


def report() -> dict[str, Any] | None:
    """None where it cannot be had."""
    with tempfile.TemporaryDirectory() as folder:
        locked, answer = Path(folder, "locked.txt"), Path(folder, "report.json")
        # Without hashes: what the lock leaves out on every platform has none.
        export = [
            "export", "--quiet", "--frozen", "--all-groups", "--no-emit-project", "--no-hashes", "-o", str(locked),
        ]  # fmt: skip
        audit = [
            "tool", "run", "--quiet", "--from", PIP_AUDIT, "pip-audit", "--requirement", str(locked), "--disable-pip",
            "--no-deps", "--progress-spinner", "off", "--format", "json", "--output", str(answer),
        ]  # fmt: skip
        try:
            for command in (export, audit):
                subprocess.run([UV, *command], cwd=ROOT, capture_output=True, check=False, timeout=SECONDS)
            found: dict[str, Any] = json.loads(answer.read_text())
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return None
        return found


def is_fresh(lock: str, now: float) -> bool:
    try:
        stamp = json.loads(STAMP.read_text())
        return bool(stamp["lock"] == lock and now < stamp["until"])
    except (OSError, ValueError, KeyError):
        return False


def main() -> None:
    wrong = forbidden_licences(distributions())
    lock, now = hashlib.sha256((ROOT / "uv.lock").read_bytes()).hexdigest(), time.time()
    if not is_fresh(lock, now):
        told = report()
        known, unknown = findings_of(told) if told else ([], 0)
        wrong += known
        if told is None or unknown:
            which = f"for {unknown} packages" if told else "at all"
            print(f"warning: no advisories were to be had {which}; ask again where PyPI answers.", file=sys.stderr)
        if not known:
            until = now + (FRESH_SECONDS if told and not unknown else AGAIN_SECONDS)
            STAMP.write_text(json.dumps({"lock": lock, "until": until}))
    for line in wrong:
        print(line, file=sys.stderr)
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
