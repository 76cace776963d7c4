"""twoshare for Python: what the Rust library has, under the same names.

The functions and classes are generated from Rust; `StandardTransport` is beside them. `help(twoshare.Client)` has
the documentation.
"""

from ._generated import twoshare as _generated
from ._border import prepare as _prepare

_prepare(_generated)

from ._generated.twoshare import *  # noqa: E402, F403
from .transport import StandardTransport  # noqa: E402

__all__ = [*_generated.__all__, "StandardTransport"]
