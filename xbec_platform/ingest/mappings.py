"""The mappings there are, read again when their files change: the platform's and those of a home."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path

from xbec_platform.ingest.contracts import ContractError, contracts
from xbec_platform.ingest.mapping_document import load_mapping
from xbec_platform.ingest.mapping_model import SourceMapping

FOLDER = Path(__file__).parent / "mappings"


def mappings(folder: Path | None = None) -> Mapping[str, SourceMapping]:
    """All mappings by the landing folder they serve.

    Args:
        folder: Mappings of the user, beside those of the platform; it need not exist.

    Raises:
        ContractError: A file cannot be used, or a user's mapping has a name that is taken.
    """
    if folder is None or not folder.is_dir():
        return _loaded(FOLDER, _stamp(FOLDER))
    own = _loaded(folder, _stamp(folder))
    taken = sorted(set(own) & {*_loaded(FOLDER, _stamp(FOLDER)), *contracts()})
    if taken:
        raise ContractError(
            f"{folder}: the platform has a source named {', '.join(taken)} already; choose another name"
        )
    return {**_loaded(FOLDER, _stamp(FOLDER)), **own}


def fitting(names: Collection[str], known: Mapping[str, SourceMapping]) -> SourceMapping | None:
    """The mapping that a file with these columns is for: all it must have, and most of what it may have.

    Of several the one that names most of the columns, then the first by name; None when there is none.
    """

    def named(mapping: SourceMapping) -> int:
        return len(set(names) & set(mapping.file.columns))

    def fits(mapping: SourceMapping) -> bool:
        required = {name for name, column in mapping.file.columns.items() if not column.nullable}
        return required <= set(names) and named(mapping) * 2 > len(mapping.file.columns)

    found = [mapping for _, mapping in sorted(known.items()) if fits(mapping)]
    return max(found, key=named, default=None)


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Changes when a mapping or a table beside it is edited, so that a running platform notices."""
    files = [path for path in sorted(folder.iterdir()) if path.suffix in {".yml", ".csv"}]
    return tuple((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in files)


@lru_cache(maxsize=8)
def _loaded(folder: Path, stamp: tuple[tuple[str, int, int], ...]) -> Mapping[str, SourceMapping]:
    """Mappings of one folder as of a state of its files."""
    loaded: dict[str, SourceMapping] = {}
    for name, *_ in stamp:
        if name.endswith(".yml"):
            mapping = load_mapping(folder / name)
            if mapping.name in loaded:
                raise ContractError(
                    f"{folder / name}: another file of the folder is named {mapping.name} too"
                )
            loaded[mapping.name] = mapping
    return loaded
