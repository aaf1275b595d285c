"""Parts through an executor: a part whose worker ended is tried once more, then the input at fault is found and rejected."""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

from parastance.predict.executors import Executor
from parastance.predict.labelling import Done
from parastance.predict.parts import Part
from parastance.predict.storage import remove
from parastance.predict.worker import Changed, Crash

TRIES = 2
TICK = 0.5  # seconds


def supervised(
    executor: Executor, parts: Iterator[Part], tick: Callable[[], None] = lambda: None
) -> Iterator[tuple[Part, Done | Changed]]:
    """Yield (part, outcome) as parts are finished, in any order; a part whose inputs crashed bears their names.

    tick is called a few times a second. Raises what the executor raises.
    """
    again: deque[Part] = deque()
    tries: Counter[Part] = Counter()
    trials: dict[Part, tuple[Part, int]] = {}  # a piece tried by itself: the part it is of, and its place
    culprits: dict[Part, dict[int, str]] = {}
    waiting: Counter[Part] = Counter()  # trials under way

    def settle(part: Part) -> None:
        """Go on with a part once all its pieces were tried."""
        waiting[part] -= 1
        if not waiting[part]:
            found = culprits.pop(part)
            if not found:  # none crashes by itself, but together they do
                found = dict.fromkeys(range(len(part.pieces)), "the worker ended twice on it and others together")
            again.append(replace(part, crashed=tuple(sorted(found.items()))))

    def crashed(part: Part, reason: str) -> None:
        tries[part] += 1
        verdict = f"the worker ended on it twice ({reason})"
        if tries[part] < TRIES:
            again.append(part)
        elif part in trials:
            whole, at = trials.pop(part)
            culprits[whole][at] = verdict
            settle(whole)
        elif len(part.pieces) == 1 or part.crashed:
            again.append(replace(part, crashed=tuple((at, verdict) for at in range(len(part.pieces)))))
        else:
            culprits[part], waiting[part] = {}, len(part.pieces)
            for at, piece in enumerate(part.pieces):
                trial = Part(f"{part.name}?{at}", (piece,))
                trials[trial] = (part, at)
                again.append(trial)

    source = iter(parts)
    ahead = next(source, None)  # found while the workers are at work, so that none waits for the plan
    finished: deque[tuple[Part, Done | Changed]] = deque()
    while True:
        while executor.has_room() and (part := again.popleft() if again else ahead) is not None:
            executor.submit(part)
            if part is ahead:
                ahead = next(source, None)
        while finished:  # now that the worker has the next one
            yield finished.popleft()
        if not executor.pending():
            return
        found = executor.wait(TICK)
        tick()
        if found is None:
            continue
        part, outcome = found
        if isinstance(outcome, Crash):
            crashed(part, outcome.reason)
        elif part in trials:
            whole, _ = trials.pop(part)
            if isinstance(outcome, Done):
                drop(outcome)
            settle(whole)
        else:
            finished.append((part, outcome))


def drop(done: Done) -> None:
    """Remove what was written aside for a part that is not wanted."""
    for path in (done.aside, done.rejects):
        if path is not None:
            with suppress(OSError):
                remove(path)
