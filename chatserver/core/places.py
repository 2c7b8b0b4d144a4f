"""Cities that go by two names."""

_NAMES = (
    ("bengaluru", "bangalore"),
    ("gurugram", "gurgaon"),
    ("mumbai", "bombay"),
    ("chennai", "madras"),
    ("kolkata", "calcutta"),
    ("kochi", "cochin"),
    ("pune", "poona"),
    ("thiruvananthapuram", "trivandrum"),
    ("vadodara", "baroda"),
    ("mysuru", "mysore"),
    ("prayagraj", "allahabad"),
    ("puducherry", "pondicherry"),
)


def spellings(location: str) -> tuple[str, ...]:
    """The place as asked for and as postings may write it: `Bangalore` finds Bengaluru."""
    asked = " ".join(location.split())
    for names in _NAMES:
        if asked.casefold() in names:
            return names
    return (asked,) if asked else ()
