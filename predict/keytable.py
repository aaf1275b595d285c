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
        slots, steps = self._hash(keys)
        found, other = self._look(slots, keys)
        waiting = np.flatnonzero(other)
        while len(waiting):
            slots[waiting] = (slots[waiting] + steps[waiting]) & (len(self._ids) - 1)
            found[waiting], other = self._look(slots[waiting], [lane[waiting] for lane in keys])
            waiting = waiting[other]
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
        slots, steps = self._hash(keys)
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

    def _hash(self, keys: "tuple[Keys, ...]") -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        mixed = (keys[0] ^ _SECRETS[3]) * _SECRETS[0]
        for lane in keys[1:]:
            mixed = (mixed ^ (mixed >> _HALF) ^ lane) * _SECRETS[1]
        mixed = (mixed ^ (mixed >> _HALF)) * _SECRETS[2]
        return (mixed >> np.uint64(64 - self._bits)).view(np.int64), ((mixed & np.uint64(0xFFFFFFFF)) | np.uint64(1)).view(np.int64)

    def _look(self, slots: NDArray[np.int64], keys: "tuple[Keys, ...] | list[Keys]") -> tuple[Ids, NDArray[np.bool_]]:
        """Return (the ids of keys as far as they lie in some slots, whether other keys lie there)."""
        ids = self._ids.take(slots)
        other = ids != NONE
        unlike = self._keys[0].take(slots) != keys[0]
        for own, lane in zip(self._keys[1:], keys[1:], strict=True):
            unlike |= own.take(slots) != lane
        other &= unlike
        ids[other] = NONE
        return ids, other
