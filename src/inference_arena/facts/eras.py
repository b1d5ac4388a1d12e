"""Which stretch of an engine's releases a version falls in. Knows no rule that such a stretch names."""

from inference_arena.errors import NotFoundError
from inference_arena.facts.engine import Engine, Era
from inference_arena.facts.versions import version_key


def era_of(engine: Engine, version: str) -> Era:
    """The era of this release; of one between two eras the earlier, of one newer than all that was read the last.

    Raises NotFoundError for a release before the first era, and UsageError for what is no version.
    """
    key = version_key(version)
    begun = [era for era in engine.eras if version_key(era.first) <= key]
    if not begun:
        first = engine.eras[0].first
        raise NotFoundError(
            f"nothing is known of how {engine.title} {version} plans memory", try_=f"{first}, the first that was read"
        )
    return begun[-1]
