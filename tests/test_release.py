"""What a release says of itself agrees everywhere."""

import ast
import re
from configparser import ConfigParser

from fences import ROOT

from captum_scd import __version__

CITATION = (ROOT / "CITATION.cff").read_text("utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
CONFIG = ConfigParser()
CONFIG.read(ROOT / "setup.cfg", encoding="utf-8")
OLDEST = (3, 10)


def test_version_and_date_are_the_latest_of_the_changelog_and_those_of_the_citation() -> None:
    version, date = re.findall(r"^## (\d+\.\d+\.\d+) - (\S+)$", CHANGELOG, flags=re.MULTILINE)[0]
    assert version == __version__
    assert f"\nversion: {version}\ndate-released: {date}\n" in CITATION


def test_the_papers_of_the_readme_are_cited() -> None:
    papers = re.findall(r"arxiv\.org/abs/([\d.]+)", (ROOT / "README.md").read_text("utf-8"))
    assert papers
    assert all(f'value: "arXiv:{paper}"' in CITATION for paper in papers)


def test_the_classifiers_name_every_python_from_the_oldest_on() -> None:
    named = re.findall(r"Python :: 3\.(\d+)$", CONFIG["metadata"]["classifiers"], flags=re.MULTILINE)
    assert CONFIG["options"]["python_requires"] == ">=3.10"
    assert [int(minor) for minor in named] == list(range(OLDEST[1], OLDEST[1] + len(named)))


def test_the_package_is_written_in_the_oldest_python() -> None:
    for file in (ROOT / "captum_scd").rglob("*.py"):
        ast.parse(file.read_text("utf-8"), str(file), feature_version=OLDEST)
