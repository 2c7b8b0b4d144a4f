"""What the audit of dependencies makes of what it is told."""

from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest

from tests.audit import findings_of, forbidden_licences


def test_a_known_vulnerability_is_a_line_and_what_is_unknown_is_counted() -> None:
    report = {"dependencies": [
        {"name": "fine", "version": "1.0", "vulns": []},
        {"name": "odd", "version": "2.0", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["2.1"]}]},
        {"name": "private", "skip_reason": "not on PyPI"},
    ]}  # fmt: skip
    assert findings_of(report) == (["odd 2.0: PYSEC-2026-1, fixed in 2.1"], 1)


@pytest.mark.parametrize(
    "line",
    [
        "License-Expression: AGPL-3.0-only",
        "Classifier: License :: OSI Approved :: GNU Affero General Public License v3",
    ],
)
def test_the_agpl_is_found_however_it_is_said(tmp_path: Path, line: str) -> None:
    (tmp_path / "odd-1.0.dist-info").mkdir()
    (tmp_path / "odd-1.0.dist-info" / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: odd\nVersion: 1.0\n{line}\n"
    )
    assert forbidden_licences(Distribution.discover(path=[str(tmp_path)])) == ["odd 1.0 is under the AGPL"]


def test_nothing_installed_is_under_it() -> None:
    assert not forbidden_licences(distributions())
