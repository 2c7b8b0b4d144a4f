"""Explores the small and the large configurations and prints a table of them."""

import sys

from tests.protocol_model.configurations import LARGE, SMALL
from tests.protocol_model.explore import explore


def main() -> None:
    broken = False
    print(f"{'configuration':45} {'states':>10} {'seconds':>8}  verdict")
    for config in (*SMALL, *LARGE):
        verdict = explore(config)
        broken = broken or bool(verdict.broken)
        print(f"{config.name:45} {verdict.states:>10,} {verdict.seconds:>8.1f}  {verdict}", flush=True)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
