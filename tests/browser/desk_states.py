"""The states in which the pages of admins and providers are looked at."""

from tests.browser import admin_states, overview_states, provider_states
from tests.browser.stage import Reach

STATES: dict[str, Reach] = {**admin_states.STATES, **overview_states.STATES, **provider_states.STATES}
