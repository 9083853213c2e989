"""Landing files without a person, rewritten in place: same name, same format, same number of records.

The intake reads a rewritten file as it would have read the original one under the suppression list: the same
rows, the same account. A file is replaced by rename, so a kill leaves the old one or the new one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from xbec_platform.erasure.containers import EXCEL_PART, PARQUET, UnreadableError, unpack
from xbec_platform.erasure.csv_redaction import redact_csv
from xbec_platform.erasure.excel_redaction import redact_excel
from xbec_platform.erasure.json_redaction import redact_json_lines
from xbec_platform.erasure.mentions import pattern, replaced
from xbec_platform.erasure.parquet_redaction import redact_parquet
from xbec_platform.ingest.contracts import Contract
from xbec_platform.ingest.suppression import Suppression, naming_columns

# Size in bytes and time of the last change in nanoseconds.
State = tuple[int, int]
_BOMS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8"))


@dataclass(frozen=True)
class Rewrite:
    """What became of the landing folder.

    Attributes:
        changed: Paths below it that were, or would be, rewritten; sorted.
        unreadable: (path, cause) of files nobody can look into. They may mention the person.
        looked_at: State afterwards of every file that was looked at, by path.
    """

    changed: tuple[str, ...]
    unreadable: tuple[tuple[str, str], ...]
    looked_at: Mapping[str, State]


def states(landing: Path) -> dict[str, State]:
    """State of every regular file below the landing folder, by path, in order. Links are not followed."""
    paths = [path for path in sorted(landing.rglob("*")) if path.is_file() and not path.is_symlink()]
    return {path.relative_to(landing).as_posix(): state_of(path) for path in paths}


def state_of(path: Path) -> State:
    """What changes when somebody writes the file."""
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns


def rewrite_landing(
    landing: Path,
    feeds: Mapping[str, Contract],
    suppression: Suppression,
    identifiers: Iterable[str],
    *,
    only: Collection[str] | None = None,
    dry_run: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Rewrite:
    """Take everybody on the list out of every file below the landing folder, finished or not.

    Args:
        landing: The folder; the first folder below it is the feed. Links are not followed.
        feeds: File contract by feed; the files of other folders are searched for the identifiers only.
        suppression: The list, which already names the person.
        identifiers: In plain text, for places that are no cell of an identifying column.
        only: Paths to look at; all when None.
        dry_run: Change nothing.
        progress: Called with files done and files in all.
    """
    before = {where: state for where, state in states(landing).items() if only is None or where in only}
    found, changed, unreadable = pattern(identifiers), [], []
    looked_at: dict[str, State] = {}
    for number, (where, state) in enumerate(before.items(), start=1):
        path = landing / where
        contract = feeds.get(where.split("/", maxsplit=1)[0])
        data = path.read_bytes()
        try:
            after = redact(data, contract, suppression, found)
        except UnreadableError as error:
            unreadable.append((where, str(error)))
            looked_at[where] = state
            continue
        if state_of(path) != state:
            # What the sender has written meanwhile must not be overwritten.
            unreadable.append((where, "changed while it was looked at; erase again"))
            continue
        if after != data:
            changed.append(where)
            if not dry_run:
                replace_file(path, after)
        looked_at[where] = state_of(path)
        progress(number, len(before))
    return Rewrite(tuple(changed), tuple(unreadable), looked_at)


def redact(
    data: bytes, contract: Contract | None, suppression: Suppression, found: re.Pattern[str] | None
) -> bytes:
    """A file's bytes without erased persons; the very same bytes when it mentions none.

    Raises:
        UnreadableError: Nobody can look into it.
    """
    names_persons = contract is not None and bool(naming_columns(contract))
    if not names_persons and found is None:
        return data
    unpacked = unpack(data)
    if EXCEL_PART in unpacked.parts:
        return redact_excel(data, contract if names_persons else None, suppression, found)
    after = {
        name: _redact_part(part, contract if names_persons else None, suppression, found)
        for name, part in unpacked.parts.items()
    }
    return data if after == dict(unpacked.parts) else unpacked.repack(after)


def _redact_part(
    data: bytes, contract: Contract | None, suppression: Suppression, found: re.Pattern[str] | None
) -> bytes:
    if data.startswith(PARQUET):
        return redact_parquet(data, contract, suppression, found)
    mark, encoding = _encoding(data)
    text = data.removeprefix(mark).decode(encoding, errors="surrogatepass")
    after = text
    if contract is not None:
        is_json = text.lstrip().startswith(("{", "["))
        after = (redact_json_lines if is_json else redact_csv)(text, contract, suppression)
    after = replaced(after, found, suppression)
    return data if after == text else mark + after.encode(encoding, errors="surrogatepass")


def _encoding(data: bytes) -> tuple[bytes, str]:
    """Byte order mark and an encoding that gives the same bytes back: bytes that are no UTF-8 count as latin-1."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            try:
                data.removeprefix(mark).decode(encoding)
            except UnicodeDecodeError:
                return b"", "latin-1"
            return mark, encoding
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return b"", "latin-1"
    return b"", "utf-8"


def replace_file(path: Path, data: bytes) -> None:
    """Write beside the file, then take its name."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    part.replace(path)
