"""What the generated module leaves to do on Python's side of the border.

It names parts of the generated module that are private there: both are of one version of UniFFI, and the tests
would see them part.
"""

import asyncio
import atexit
import re
import sys
import threading
import time
from types import ModuleType


class _Loop(asyncio.SelectorEventLoop):
    """The loop in which the library's calls into Python run, on a thread of its own.

    They do not run in the app's loop: that one may be busy, over, or not there yet, and the library would wait.
    """

    def call_soon(self, callback, *args, context=None):
        # The generated module calls this on the library's threads too, when the library has stopped waiting.
        if threading.get_ident() == self._thread.ident:
            return super().call_soon(callback, *args, context=context)
        return self.call_soon_threadsafe(callback, *args, context=context)

    def start(self) -> None:
        self._thread = threading.Thread(target=self.run_forever, name="twoshare", daemon=True)
        self._thread.start()


def prepare(generated: ModuleType) -> None:
    """Fits a generated module."""
    _choose_loop(generated)
    _give_texts(generated)
    atexit.register(_leave)


def _choose_loop(generated: ModuleType) -> None:
    lock, started = threading.Lock(), []

    def loop():
        # A call of the app's is awaited in the loop that it is made in. A call of the library's comes on a thread
        # that has none.
        try:
            return asyncio.get_running_loop()
        except RuntimeError:
            pass
        with lock:
            if not started:
                started.append(_Loop())
                started[0].start()
            return started[0]

    generated._uniffi_get_event_loop = loop


def _give_texts(generated: ModuleType) -> None:
    """Errors say the library's own text; the generated module has one of its own for them, of the fields."""
    for name in generated.__all__:
        error = getattr(generated, name)
        # UniFFI's own is no error of the library's.
        if isinstance(error, type) and issubclass(error, Exception) and name != "InternalError":
            error.text = _text(generated, getattr(generated.AnyError, _constant(name)))
            for variant in error.__subclasses__():
                variant.__repr__ = _fields
                variant.__str__ = lambda self: self.text()


def _text(generated: ModuleType, any_error: type):
    def text(self) -> str:
        """What to tell a person, in English: what went wrong, and after each colon why."""
        return generated.error_text(any_error(self))

    return text


def _constant(name: str) -> str:
    """A name as the generated module has it for variants: `DRILL_ERROR` of `DrillError`."""
    return re.sub("(?<!^)(?=[A-Z])", "_", name).upper()


def _fields(error: Exception) -> str:
    fields = ", ".join(f"{name}={value!r}" for name, value in vars(error).items())
    return f"{type(error).__qualname__}({fields})"


# How long nobody must be in Python before it may end, and how long that is waited for, in seconds.
_QUIET, _PATIENCE = 0.02, 2.0


def _leave() -> None:
    """Lets the library's threads leave Python before it ends.

    Before 3.14 it ends a foreign thread that wants to go on in it, through the library's frames, which aborts the
    process.
    """
    now = time.monotonic()
    until, quiet_since = now + _PATIENCE, now
    while now < until and now - quiet_since < _QUIET:
        # Whoever waits to come in comes in here, and is seen.
        time.sleep(0.001)
        now = time.monotonic()
        ours = {thread.ident for thread in threading.enumerate() if type(thread) is not _STRAY}
        if not ours.issuperset(sys._current_frames()):
            quiet_since = now


# What `threading` calls a thread that it did not start.
_STRAY = threading._DummyThread
