"""Guides without a model: skills from the gazetteer, tips and questions from the posting's own sentences."""

import asyncio

from chatserver.core.gazetteer import Gazetteer
from chatserver.core.guides import EnricherKind, Guides, JobText
from chatserver.core.job import SKILLS_MAX
from chatserver.core.offline_guides import compose


class OfflineEnricher:
    """Never fails and costs nothing; `enriched_by` says that it was this one."""

    kind: EnricherKind = "offline"

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer

    async def write(self, job: JobText) -> Guides:
        return await asyncio.to_thread(self._write, job)

    def _write(self, job: JobText) -> Guides:
        return compose(job, self._gazetteer.skills(f"{job.title}\n{job.description}")[:SKILLS_MAX])
