"""A TOML file read, with what can be wrong with it told by the file's name."""

from pathlib import Path
from typing import Any

from parastance.predict.errors import UsageError


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file. Raises UsageError naming the file where it cannot be read or is not TOML in UTF-8."""
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None
