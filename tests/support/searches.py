"""How long Hypothesis searches where each step is slow."""

from hypothesis import settings

EXAMPLES = 15
"""Of the 50 that a search over memory and a file gets."""


def shorter_over_a_network() -> settings:
    """The settings of the profile, with fewer examples unless it looks for long: `make prove`."""
    profile = settings.get_current_profile_name()
    return settings(max_examples=EXAMPLES) if profile == "default" else settings()
