"""Line: what one channel wants to append, in its order. Pure: commands out, answers in.

One call at a time is under way for a line, with as much as waits (group commit): so the order holds whatever happens to
a call, and a busy channel pays for one call many events. A call whose answer was lost is made again, with the same
marks, before anything later goes out: the script finds what the lost one did.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from msgspec import Struct

from arqonbus.storage.history import Retention
from arqonbus.storage.redis_frames import NOWHERE, Place, place_of
from arqonbus.storage.shared_log import Appended, Entry, Rejected, Stored, Unsure

__all__ = ["Batch", "Held", "Item", "Line", "LineKeys"]

MOST_ITEMS = 64  # of one call: more would gain nothing, and hold Redis for longer than 0.5 ms
MOST_BYTES = 65_536  # of text in one call; one text of any size goes all the same
MOST_SHARED = 16_384  # entries at least of a log on which groups stand that do not last; older ones go
MOST_GROUPED = 100_000  # entries of a log that groups stand on, past which it is full


class LineKeys(Struct, frozen=True):
    """The names of one log."""

    log: str
    ids: str
    groups: str
    note: str
    feed: str


class Held:
    """How much of a node has no outcome yet, and how many outcomes were no good."""

    __slots__ = ("n", "n_rejected", "n_unsure", "size")

    def __init__(self) -> None:
        self.n = 0
        self.size = 0  # bytes of texts
        self.n_rejected = 0  # since the start
        self.n_unsure = 0


class Batch:
    """What one ``append`` wants, and what becomes of it."""

    __slots__ = ("_done", "_n_open", "outcomes")

    def __init__(self, n: int, done: Callable[[Sequence[Appended]], None]) -> None:
        """Call ``done`` once, when all ``n`` have an outcome."""
        self._done = done
        self._n_open = n
        self.outcomes: list[Appended] = [_NONE] * n

    def settle(self, index: int, outcome: Appended) -> None:
        """Say what became of one."""
        self.outcomes[index] = outcome
        self._n_open -= 1
        if not self._n_open:
            self._done(self.outcomes)


class Item:
    """One entry on its way."""

    __slots__ = ("_held", "at", "batch", "entry", "index", "mark", "was_sent")

    def __init__(self, entry: Entry, mark: str, at: float, batch: Batch, index: int, held: Held) -> None:
        held.n += 1
        held.size += len(entry.text)
        self._held = held
        self.entry = entry
        self.mark = mark  # never given to another entry
        self.at = at  # monotonic seconds: since when it waits
        self.batch = batch
        self.index = index  # in the batch
        self.was_sent = False  # whether some call with it may have been executed

    def settle(self, outcome: Appended) -> None:
        """Say what became of it. Once."""
        self._held.n -= 1
        self._held.size -= len(self.entry.text)
        if type(outcome) is not Stored:
            self._held.n_rejected += type(outcome) is Rejected
            self._held.n_unsure += type(outcome) is Unsure
        self.batch.settle(self.index, outcome)

    def give_up(self, reason: str) -> None:
        """Say that it will not be tried again."""
        self.settle(Unsure(reason) if self.was_sent else Rejected(reason))


class Line:
    """One channel's appends.

    Args:
        partition: of the room.
        keys: of the log.
        retention: what the log keeps.
        durable: whether groups may stand on the log.
        position_ttl_s: how long the log lives on behind its last entry.
    """

    __slots__ = (
        "_base",
        "_position_ttl_s",
        "_sent",
        "_touched_at",
        "_trim_bytes",
        "_trimmed_at",
        "_waiting",
        "keys",
        "known",
        "not_before",
        "partition",
        "durable",
        "retention",
    )

    def __init__(
        self, partition: int, keys: LineKeys, retention: Retention, durable: bool, position_ttl_s: float
    ) -> None:
        self.partition = partition
        self.keys = keys
        self.retention = retention
        self.known = NOWHERE  # the newest place that we know of: the top was there or later
        self.not_before = 0.0  # monotonic seconds: when the next call may be made
        self.durable = durable
        self._position_ttl_s = position_ttl_s
        self._waiting: deque[Item] = deque()  # oldest first; those of a call that must be made again in front
        self._sent: list[Item] = []  # of the call under way
        self._base: Place | None = None  # what was known before the first call with those in front; None: all is new
        self._touched_at = float("-inf")  # ms: when Redis was last told how long the log lives on
        self._trimmed_at = 0.0  # ms
        self._trim_bytes = 0  # appended by us since then

    def __len__(self) -> int:
        """Count the entries that wait, under way or not."""
        return len(self._waiting) + len(self._sent)

    @property
    def is_ready(self) -> bool:
        """Whether a call can be made."""
        return bool(self._waiting) and not self._sent

    @property
    def oldest_at(self) -> float | None:
        """Since when the oldest waits without being under way; None: none does."""
        return self._waiting[0].at if self._waiting else None

    @property
    def keeps(self) -> int:
        """How many entries the log keeps at most."""
        return self.retention.messages if self.retention.size_bytes else 0

    @property
    def ttl_ms(self) -> int:
        """How long the log lives on behind its last entry."""
        return int((self.retention.age_s + self._position_ttl_s) * 1000)

    def saw(self, place: Place) -> None:
        """Take the news that the log has, or had, this place."""
        self.known = max(self.known, place)

    def put(self, items: Sequence[Item]) -> None:
        """Have these wait behind the others."""
        self._waiting.extend(items)

    # --- a call -------------------------------------------------------------------------------------------------

    def take(self, feed_command: str, fresh: int, now_ms: int, window_ms: int) -> list[str | bytes | int]:
        """Give the arguments of the next call of APPEND, keys first. Only if ``is_ready``.

        Args:
            feed_command: PUBLISH or SPUBLISH.
            fresh: epoch to begin with, if there is no log.
            now_ms: time of the entries.
            window_ms: of dedupe; 0: none.
        """
        keys, known = self.keys, self._base or self.known
        tried = "" if self._base is None else known.seq
        is_first, self._base = self._base is None, known
        touch = now_ms - self._touched_at > self.ttl_ms / 8
        if touch:
            self._touched_at = now_ms
        window = now_ms // window_ms if window_ms else 0
        ids = (f"{keys.ids}:{window}", f"{keys.ids}:{window - 1}") if window_ms else (keys.log, keys.log)
        head: list[str | bytes | int] = [
            keys.feed,
            feed_command,
            self.keeps,
            known.epoch,
            fresh,
            self.ttl_ms,
            int(touch),
        ]
        tail = (window_ms * 2, now_ms, tried, MOST_GROUPED if self.durable else -MOST_SHARED)
        args: list[str | bytes | int] = [keys.log, *ids, keys.groups, *head, *tail]
        size = 0
        while self._waiting and len(self._sent) < MOST_ITEMS:
            item = self._waiting[0]
            size += len(item.entry.text)
            if self._sent and (size > MOST_BYTES or (not is_first and not item.was_sent)):
                break  # with a call that is made again goes nothing that was not in it: it has another base
            self._waiting.popleft()
            self._sent.append(item)
            args += (item.entry.key, item.mark, item.entry.text)
        return args

    def answered(self, answers: Sequence[bytes]) -> list[tuple[Item, bytes]]:
        """Take the answers to the call under way. Gives those that are errors, for the caller to judge."""
        sent, self._sent, self._base = self._sent, [], None
        errors = []
        for item, answer in zip(sent, answers, strict=True):
            kind = answer[:1]
            if kind == b"!":
                errors.append((item, answer[1:]))
            elif kind == b"?":
                item.settle(Unsure("an answer was lost, and what followed is not kept"))
            elif kind == b"=":
                position, _, mark = answer[1:].partition(b" ")
                place = place_of(position)  # of another entry with this key, or of this one in a call that was lost
                item.settle(Stored(str(place.epoch), place.seq, duplicate=mark.decode() != item.mark))
            else:
                place = place_of(answer)
                self.saw(place)
                self._trim_bytes += len(item.entry.text)
                item.settle(Stored(str(place.epoch), place.seq))
        return errors

    def again(self, *, was_executed: bool) -> None:
        """Have the call under way made again: it failed, and may or may not have been executed."""
        for item in self._sent:
            item.was_sent = item.was_sent or was_executed
        self._waiting.extendleft(reversed(self._sent))
        self._sent = []
        if not (self._waiting and self._waiting[0].was_sent):
            self._base = None

    def put_back(self, items: Sequence[Item]) -> None:
        """Have items of the call just answered tried again, in front of all others: they were certainly not stored."""
        self._waiting.extendleft(reversed(items))

    def give_up(self, reason: str) -> None:
        """Settle all that is not under way: what was never sent is certainly not stored."""
        given_up = list(self._waiting)
        self._waiting.clear()
        if not self._sent:
            self._base = None
        for item in given_up:
            item.give_up(reason)

    # --- retention ----------------------------------------------------------------------------------------------

    def is_to_trim(self, now_ms: float) -> bool:
        """Whether so much was appended, or so much time went by, that the log may be over a bound by an eighth."""
        if not self.keeps:
            return False
        bytes_due = self._trim_bytes > self.retention.size_bytes / 8
        return bytes_due or now_ms - self._trimmed_at > self.retention.age_s * 125

    def bounds(self, now_ms: int) -> tuple[int, int, int]:
        """Give what TRIM and READ want: time before which entries are too old, most entries, most bytes."""
        oldest = max(0, now_ms - int(self.retention.age_s * 1000))
        return oldest, self.retention.messages, self.retention.size_bytes

    def trimmed(self, now_ms: float) -> None:
        """Take the news that TRIM is on its way, with a new life for the log."""
        self._trimmed_at = self._touched_at = now_ms
        self._trim_bytes = 0


_NONE = Rejected("")
