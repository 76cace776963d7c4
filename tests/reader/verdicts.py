"""The verdicts of FORMAT.md, section 1: the `snake_case` codes that a reader gives when it refuses."""


class Refused(Exception):
    """The input is refused with a verdict; a recovery code also with the group that is wrong."""

    def __init__(self, verdict, group=None):
        super().__init__(verdict)
        self.verdict = verdict
        self.group = group


def require(condition, verdict):
    """Refuse with `verdict` unless `condition` holds."""
    if not condition:
        raise Refused(verdict)
