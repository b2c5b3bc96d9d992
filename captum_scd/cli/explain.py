"""`captum-scd explain`: images in, and about each a figure, the masks and a summary out."""

import argparse
from collections.abc import Sequence

from captum_scd.cli.arguments import request
from captum_scd.cli.commands.explain import PAGE
from captum_scd.cli.explaining import ExplainEach
from captum_scd.cli.options import check_writable
from captum_scd.cli.question import question
from captum_scd.pages.explained import Explained
from captum_scd.pages.runs import PhotoRun
from captum_scd.pages.words import title_words
from captum_scd.pages.writing import check_page
from captum_scd.runs.folder import Folder
from captum_scd.runs.job import Job
from captum_scd.runs.naming import Photo


def run(options: argparse.Namespace, photos: Sequence[Photo]) -> int:
    """Explain the images; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    asking = question(options)
    asked = {
        **request(options, asking.subject),
        "contrast": options.contrast,
    }
    check_writable(options.out)
    if options.report:
        check_page(options.out / PAGE)
    folder = Folder(options.out, asked)
    job = Job(ExplainEach(asking), folder)
    if not options.report:
        return job.carry_out(photos, options.overwrite)
    title = title_words(asking.target, asking.contrast, asking.subject.classes)
    shown, done = Explained(folder, asking.subject), PhotoRun(job, photos, asked, options.line)
    code = job.carry_out(photos, options.overwrite, lambda: shown.write(options.out / PAGE, done, title))
    print(f"report in {options.out / PAGE}")
    return code
