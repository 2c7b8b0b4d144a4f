"""Which adapter reads which platform."""

from collections.abc import Mapping

from workers.boards.avature import Avature
from workers.boards.board import Adapter
from workers.boards.kpmg_us import KpmgUs
from workers.boards.oracle import Oracle
from workers.boards.successfactors import SuccessFactors
from workers.boards.workday import Workday

_ALL: tuple[type[Adapter], ...] = (Workday, SuccessFactors, Avature, Oracle, KpmgUs)
PLATFORMS: Mapping[str, type[Adapter]] = {adapter.platform: adapter for adapter in _ALL}
