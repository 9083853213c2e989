"""Scripts and data inside a page: named by their hash in its security policy, and unable to end their element."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from typing import Any

from markupsafe import Markup

from xbec_platform.publish.formats import clean
from xbec_platform.publish.pages import TEMPLATES


@cache
def script(name: str) -> Markup:
    """The text of a script among the templates; it holds no value of any shop."""
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    if "</" in text or "<!--" in text:
        raise ValueError(f"{name} holds '</' or '<!--', which could end its element: write it in two parts")
    return Markup(text)  # noqa: S704 - the platform's own file, see above


def script_policy(name: str) -> str:
    """The source expression that allows this script and no other (Content Security Policy Level 3, 8.3)."""
    digest = hashlib.sha256(script(name).encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def embedded(data: Any) -> Markup:
    """Data as JSON for an element `script type="application/json"`: no character in it can end the element.

    Control characters and bidirectional overrides of names become visible, as everywhere on pages.
    """
    text = json.dumps(_clean(data), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)  # noqa: S704 - markup characters are escaped above


def _clean(data: Any) -> Any:
    if isinstance(data, str):
        return clean(data)
    if isinstance(data, dict):
        return {name: _clean(value) for name, value in data.items()}
    return [_clean(value) for value in data] if isinstance(data, list | tuple) else data
