"""What doctor says of one thing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`well` is None for what works but could be better."""

    name: str
    well: bool | None
    sentence: str

    def __str__(self) -> str:
        mark = {True: "ok  ", False: "FAIL", None: "note"}[self.well]
        return f"{mark}  {self.name}: {self.sentence}"
