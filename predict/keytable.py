"""A hash table that is asked for many keys at once.

Open addressing by double hashing, at most a quarter full (Knuth, The Art of Computer Programming 3, 6.4, algorithm D). The hash
mixes in secrets of the process and keys are compared in full: nobody can write a text whose keys collide, and none are confused.
"""

import os

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Ids = NDArray[np.int32]
NONE = -1
_SECRETS = np.frombuffer(os.urandom(32), np.uint64) | np.uint64(1)
_HALF = np.uint64(32)
SMALLEST = 10  # bits of the number of slots


class KeyTable:
    """Keys of one or two 64-bit numbers each, with their ids."""

    def __init__(self, lanes: int = 1) -> None:
        self.size = 0
        self._bits = SMALLEST
        self._keys = np.zeros((lanes, 1 << SMALLEST), np.uint64)
        self._ids = np.full(1 << SMALLEST, NONE, np.int32)

    def find(self, *keys: Keys) -> Ids:
        """Return the ids of some keys, int32, -1 where there is none; keys: an array a lane."""
        mixed = self._mixed(keys)
        slots = self._slots(mixed)
        found, other = self._look(slots, keys)
        waiting = np.flatnonzero(other)
        slots, steps, keys = slots.take(waiting), self._steps(mixed.take(waiting)), tuple(lane.take(waiting) for lane in keys)
        while len(waiting):
            slots = (slots + steps) & (len(self._ids) - 1)
            found[waiting], other = self._look(slots, keys)
            on = np.flatnonzero(other)
            waiting, slots, steps, keys = waiting.take(on), slots.take(on), steps.take(on), tuple(lane.take(on) for lane in keys)
        return found

    def add(self, ids: Ids, *keys: Keys) -> None:
        """Add keys that are not there yet and all different, with their ids."""
        self.size += len(ids)
        if 4 * self.size > len(self._ids):
            used = np.flatnonzero(self._ids != NONE)
            ids = np.concatenate([self._ids[used], ids])
            keys = tuple(np.concatenate([old[used], new]) for old, new in zip(self._keys, keys, strict=True))
            while 4 * self.size > 1 << self._bits:
                self._bits += 1
            self._keys = np.zeros((len(keys), 1 << self._bits), np.uint64)
            self._ids = np.full(1 << self._bits, NONE, np.int32)
        mixed = self._mixed(keys)
        slots, steps = self._slots(mixed), self._steps(mixed)
        waiting = np.arange(len(ids))
        while len(waiting):
            free = waiting[self._ids[slots[waiting]] == NONE]
            self._ids[slots[free]] = ids[free]  # of several the last
            placed = free[self._ids[slots[free]] == ids[free]]
            for own, lane in zip(self._keys, keys, strict=True):
                own[slots[placed]] = lane[placed]
            left = np.ones(len(ids), np.bool_)
            left[placed] = False
            waiting = waiting[left[waiting]]
            slots[waiting] = (slots[waiting] + steps[waiting]) & (len(self._ids) - 1)

    def _mixed(self, keys: "tuple[Keys, ...]") -> Keys:
        mixed: Keys = keys[0] ^ _SECRETS[3]
        mixed *= _SECRETS[0]
        for lane in keys[1:]:
            mixed ^= mixed >> _HALF
            mixed ^= lane
            mixed *= _SECRETS[1]
        mixed ^= mixed >> _HALF
        mixed *= _SECRETS[2]
        return mixed

    def _slots(self, mixed: Keys) -> NDArray[np.int64]:
        """Return where keys are looked for first."""
        return (mixed >> np.uint64(64 - self._bits)).view(np.int64)

    def _steps(self, mixed: Keys) -> NDArray[np.int64]:
        """Return how much further they are looked for each time."""
        return ((mixed & np.uint64(0xFFFFFFFF)) | np.uint64(1)).view(np.int64)

    def _look(self, slots: NDArray[np.int64], keys: "tuple[Keys, ...]") -> tuple[Ids, NDArray[np.bool_]]:
        """Return (the ids of keys as far as they lie in some slots, whether other keys lie there)."""
        ids = self._ids.take(slots)
        unlike = self._keys[0].take(slots) != keys[0]
        for own, lane in zip(self._keys[1:], keys[1:], strict=True):
            unlike |= own.take(slots) != lane
        wrong = np.flatnonzero(unlike)
        other = np.zeros(len(ids), np.bool_)
        other[wrong] = ids.take(wrong) != NONE
        ids[wrong] = NONE
        return ids, other
