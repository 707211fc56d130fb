"""Parses the page on its standard input within limits and says what is wrong with it. Run by crawlers/weight.py."""

import resource
import sys

from selectolax.lexbor import LexborHTMLParser, LexborNode

CPU_SECONDS = 2
MEMORY = 1 << 30
MAX_DEPTH = 512
"""As browsers have it."""


def depth_of(markup: str) -> int:
    """How many elements stand inside each other, up to one more than MAX_DEPTH."""
    root = LexborHTMLParser(markup).root
    stack: list[tuple[LexborNode, int]] = [(root, 1)] if root else []
    deepest = 0
    while stack and deepest <= MAX_DEPTH:
        node, depth = stack.pop()
        deepest = max(deepest, depth)
        stack.extend((child, depth + 1) for child in node.iter())
    return deepest


def main() -> int:
    """Exit status: 0 for a page that can be parsed, 1 for one that is too deep; a signal when it takes too much."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    depth = depth_of(sys.stdin.buffer.read().decode("utf-8", "replace"))
    if depth > MAX_DEPTH:
        print(f"more than {MAX_DEPTH} elements stand inside each other")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
