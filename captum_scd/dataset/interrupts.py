"""Ctrl-C that lets the work in flight be finished."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def postponed() -> Iterator[Callable[[], bool]]:
    """Note the first Ctrl-C instead of raising; the second one raises, as it does without this.

    Yields:
        A function that tells whether there was one. Outside the main thread, which alone gets signals, and
        where Ctrl-C is ignored, nothing is changed.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield lambda: False
        return
    asked = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, before)
        print("\ncaptum-scd: finishing what is in flight; Ctrl-C again stops at once", file=sys.stderr)

    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
