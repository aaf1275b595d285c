"""Room in memory for work done side by side: as many at once as there are cores, fewer where each takes much."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Room:
    """Lets in as many as `places` at once, and together no more than `size` bytes; one alone may take any number."""

    def __init__(self, places: int, size: int) -> None:
        self.places, self.size = places, size
        self.inside: list[int] = []
        self.changed = Condition()

    @contextmanager
    def take(self, size: int) -> Iterator[None]:
        """Wait until there is room for so many bytes, and hold it meanwhile."""
        with self.changed:
            self.changed.wait_for(lambda: self._fits(size))
            self.inside.append(size)
        try:
            yield
        finally:
            with self.changed:
                self.inside.remove(size)
                self.changed.notify_all()

    def _fits(self, size: int) -> bool:
        return not self.inside or (len(self.inside) < self.places and sum(self.inside) + size <= self.size)
