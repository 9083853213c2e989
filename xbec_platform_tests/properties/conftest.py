"""How many examples a property is tried on: few in every run, many with `--hypothesis-profile=thorough`."""

from hypothesis import settings

settings.register_profile("usual", max_examples=8)
# The number the intake promises: `pytest --hypothesis-profile=thorough xbec_platform_tests/properties/test_intake.py`.
settings.register_profile("thorough", max_examples=200)
settings.load_profile("usual")
