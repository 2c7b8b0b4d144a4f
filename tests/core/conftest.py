"""Few examples each: the rules are checked whenever somebody saves a file."""

from hypothesis import settings

settings.register_profile("core", max_examples=40, deadline=None)
settings.load_profile("core")
