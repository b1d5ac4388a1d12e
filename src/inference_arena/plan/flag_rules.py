"""Flags that a release does not have. Knows names only, not what they mean."""

from collections.abc import Iterator, Sequence

from inference_arena.facts import EngineRelease, engines, flag_support, has_flag
from inference_arena.plan.obstacle import Obstacle


def flag_obstacles(names: Sequence[str], release: EngineRelease) -> Iterator[Obstacle]:
    """One for each name, such as --swap-space, that the release lacks; none for an engine whose flags nobody read."""
    ever = flag_support(release.engine)
    title = engines()[release.engine].title
    for name in names if ever else ():
        if has_flag(release.engine, release.version, name):
            continue
        rows = ever.get(name, ())
        gone = bool(rows) and rows[-1].last is not None
        seen = f"last seen in {rows[-1].last}" if gone else f"first seen in {rows[0].first}" if rows else "never seen"
        yield Obstacle(
            rule="flag-unknown",
            severity="blocks",
            what=f"{title} {release.version} has no {name}",
            evidence=seen,
            source=rows[-1].source if rows else "facts/engines/flags.csv",
            way_out=("leave it out",),
        )
