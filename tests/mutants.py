"""Plant faults in the core, one at a time, and see whether each file's own tests notice: `make mutants`.

mutmut plants them and runs the tests; what it leaves alone stands in `pyproject.toml`. It swaps operators,
changes numbers, drops arguments and the like, but not in annotations, in constants of a module, or in
functions that are decorated. A fault that changes nothing anybody could see is listed as missed, too.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MUTMUT = Path(sys.executable).parent / "mutmut"

METRICS = sorted(path.stem for path in (ROOT / "captum_scd/metrics").glob("*.py") if path.stem != "__init__")
FILES = (
    *("smoothing", "grid", "sampling", "objective", "composites", "optimization", "learning"),
    *("trials", "calibration", "selection", *(f"metrics/{name}" for name in METRICS)),
)

ALSO = {"learning": ["tests/attribution"]}
"""More tests of a file than those that bear its name."""

MISSED, TIMED_OUT = ("survived", "no tests"), "timeout"
"""What mutmut says of mutants that no test noticed, and of those whose tests were broken off as too slow."""

LEAST = 0.85
"""Share of the faults that each file's tests must notice."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", help=f"all by default: {', '.join(FILES)}")
    parser.add_argument("--out", type=Path, default=Path("out/mutants"), help="folder to work in")
    parser.add_argument("--workers", type=int, default=1, help="tests that run at a time")
    arguments = parser.parse_args()
    if unknown := set(arguments.files) - set(FILES):
        parser.error(f"no such file: {', '.join(sorted(unknown))}")
    print(f"{'file':24}{'mutants':>9}{'caught':>9}{'by time':>9}{'share':>9}")
    shares, missed = {}, []
    for file in arguments.files or FILES:
        folder = arguments.out / file
        fates = plant(file, folder, arguments.workers)
        unseen = [name for name, fate in fates.items() if fate in MISSED]
        caught, late = len(fates) - len(unseen), list(fates.values()).count(TIMED_OUT)
        shares[file] = caught / len(fates)
        print(f"{file:24}{len(fates):9}{caught:9}{late:9}{shares[file]:9.1%}", flush=True)
        missed += [f"\n{name}\n{change(name, folder)}" for name in unseen]
    print("\nMissed:", *missed, sep="\n")
    if low := [file for file, share in shares.items() if share < LEAST]:
        sys.exit(f"\nless than {LEAST:.0%} caught in {', '.join(low)}")


def plant(file: str, folder: Path, workers: int) -> dict[str, str]:
    """Plant each fault in a file, in a folder made anew: name of the mutant -> what became of it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("captum_scd", "tests", "conftest.py"):
        (folder / name).symlink_to(ROOT / name)
    own = f'only_mutate = ["captum_scd/{file}.py"]\npytest_add_cli_args_test_selection = {tests_of(file)}\n'
    settings, head = (ROOT / "pyproject.toml").read_text(encoding="utf-8"), "[tool.mutmut]\n"
    (folder / "pyproject.toml").write_text(settings.replace(head, head + own), encoding="utf-8")
    mutmut(folder, "run", "--max-children", str(workers))
    lines = mutmut(folder, "results", "--all", "true").splitlines()
    return dict(line.strip().rsplit(": ", 1) for line in lines)


def tests_of(file: str) -> list[str]:
    """Paths of a file's own tests."""
    path = Path("tests", file)
    return [str(path.with_name(f"test_{path.name.lstrip('_')}.py")), *ALSO.get(file, [])]


def change(name: str, folder: Path) -> str:
    """Lines that a mutant takes out (-) and puts in (+)."""
    lines = mutmut(folder, "show", name).splitlines()
    return "\n".join(line for line in lines if line[:1] in ("-", "+") and line[:3] not in ("---", "+++"))


def mutmut(folder: Path, *arguments: str) -> str:
    done = subprocess.run([MUTMUT, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"mutmut {' '.join(arguments)} failed in {folder}:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    main()
