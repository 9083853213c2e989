"""Text files written in one step: whoever reads sees the old one or the new one. What they say is known elsewhere."""

from __future__ import annotations

import os
from pathlib import Path


def replace_text(path: Path, text: str) -> None:
    """Write a file in UTF-8 beside its place and rename it there; two writers at once do not mix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def replace_private_text(path: Path, text: str) -> None:
    """The same for its owner's eyes only; it is on the disk before it is in its place. The folder is there."""
    part = path.with_name(f".{path.name}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
