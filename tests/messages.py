"""How the tests match a whole message."""

import re


def exactly(message):
    """The pattern, for `pytest.raises`, that this message alone matches."""
    return f"^{re.escape(message)}$"
