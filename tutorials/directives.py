"""What the pages take from the package while they are built: docstrings as they are, names, help texts."""

import re
from importlib import import_module
from inspect import getdoc

from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import stringify_annotation

from captum_scd import _captum, cli

SPREAD_NAMES = re.compile(r"^\s+[\w, ]+,$")
"""A line of arguments that share one description, and go on in the next line."""

LONE_STAR = re.compile(r"(?<![\w*\\])\*(?=\w)(?!\w+\*)")
"""The asterisk of `(N, C, *spatial)` begins no emphasis."""

ALIASES = {name: stringify_annotation(getattr(_captum, name), "smart") for name in ("Baselines", "Target")}


class Strategies(SphinxDirective):
    """A list of the names in a registry, `captum_scd.infill.INFILLS`, with what each of them is."""

    required_arguments = 1

    def run(self):
        """Write a line a name."""
        module, _, name = self.arguments[0].rpartition(".")
        registry = getattr(import_module(module), name)
        lines = [f'- `"{key}"`: {said(value)}' for key, value in registry.items()]
        return self.parse_text_to_nodes("\n".join(lines))


class Help(SphinxDirective):
    """The help text of a command."""

    required_arguments = 1

    def run(self):
        """Write it as it is shown in a terminal."""
        commands = cli._parser()._subparsers._group_actions[0].choices
        text = commands[self.arguments[0]].format_help()
        return self.parse_text_to_nodes(f"```text\n{text}\n```")


def said(strategy):
    """Say what a function, a method or a measure of `compare` is: the first line of what it says itself."""
    if hasattr(strategy, "note"):
        return f"{strategy.heading}; {strategy.note}"
    function = getattr(strategy, "build", getattr(strategy, "function", strategy))
    return getdoc(function).partition("\n")[0].replace("`", "")


def plain_docstring(app, what, name, obj, options, lines):
    """Prepare a docstring for napoleon: shared descriptions in one line, asterisks and colons as they are."""
    if what == "property":
        lines[:0] = ["..", ""]  # without which the words before a colon were taken for a type
    for i in reversed(range(len(lines) - 1)):
        if SPREAD_NAMES.match(lines[i]):
            lines[i : i + 2] = [f"{lines[i]} {lines[i + 1].strip()}"]
    code = (">>>", "...")
    lines[:] = [line if line.lstrip().startswith(code) else LONE_STAR.sub(r"\\*", line) for line in lines]


def short_signature(app, what, name, obj, options, signature, returned):
    """Name Captum's forms of targets and baselines instead of spelling them out."""
    for alias, spelt in ALIASES.items():
        signature = signature and signature.replace(spelt, alias)
    return signature, returned


def by_last_names(app, env, node, text):
    """Find `FIDOMasks.threshold` from any room, for names of the package that are said in part."""
    if node.get("refdomain") != "py" or "." not in node["reftarget"]:
        return None
    node["refspecific"] = True
    domain, target = env.domains["py"], node["reftarget"]
    return domain.resolve_xref(env, node["refdoc"], app.builder, node["reftype"], target, node, text)


def setup(app: Sphinx):
    """Register all of it."""
    app.add_directive("strategies", Strategies)
    app.add_directive("command", Help)
    app.connect("autodoc-process-docstring", plain_docstring, priority=400)
    app.connect("autodoc-process-signature", short_signature)
    app.connect("missing-reference", by_last_names)
