"""What a server says in JSON or in error pages, as far as it can be shown: parsed with care, cut to one line. Pure."""

import html
import json
import re
from typing import Any

from inference_arena.load.clip import MOST_DETAIL_CHARACTERS


def parse_json(data: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def error_in(message: dict[str, Any]) -> str | None:
    error = message.get("error")
    if not error:
        return None
    return str(error.get("message", error)) if isinstance(error, dict) else str(error)


def error_text(body: bytes) -> str:
    """What an error page or document says, as one short line without markup."""
    message = parse_json(body)
    if message is not None:
        return error_in(message) or str(message.get("detail") or message.get("message") or "")[:MOST_DETAIL_CHARACTERS]
    text = re.sub(
        r"<(script|style)\b.*?(?:</\1>|\Z)|<[^<>]*>",
        " ",
        body[:20_000].decode("utf-8", "replace"),
        flags=re.DOTALL | re.IGNORECASE,
    )
    return " ".join(html.unescape(text).split())
