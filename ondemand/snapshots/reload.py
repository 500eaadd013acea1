"""The published generation, as a running worker follows it.

At most once a second a request looks at the pointer. A new generation is opened and checked in a thread, then one
reference is swapped; requests that began with the old one end with it. One that does not add up is logged once and never used.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

from ondemand.errors import StoreError
from ondemand.snapshots.manifest import Snapshot
from ondemand.snapshots.server import SnapshotServer, Terms
from ondemand.snapshots.store import Generation, Store

__all__ = ["Published", "older_assets"]

log = logging.getLogger("ondemand.server")

INTERVAL = 1.0
"""Seconds between two looks at the pointer."""


class Published:
    """server: answers from the generation in use; None while nothing is published. look_again: when to call `look`.
    thread: the one that opens the newest generation, if any was.
    """

    def __init__(
        self,
        store: Store,
        terms: Callable[[Snapshot, bool], Terms | None],
        *,
        memory: int,
        keep: int,
        clock: Callable[[], float],
        quick: bool,
    ) -> None:
        """clock: seconds, never going back (time.monotonic). quick: see `SnapshotServer`."""
        self._store = store
        self._terms = terms
        self._memory = memory
        self._keep = keep
        self._clock = clock
        self._quick = quick
        self._seen: tuple[int, int] | None = None
        self._failed: tuple[int, int] | None = None  # the stamp of one that did not add up,
        self._told = ""  # what was said of it,
        self._retry, self._pause = 0.0, INTERVAL  # and when it is tried again: it may still be on its way here
        self.thread: threading.Thread | None = None
        self.look_again = clock() + INTERVAL
        self.server: SnapshotServer | None = None
        self._adopt(store.stamp(), verify=False)

    def look(self) -> None:
        """See whether another generation was published. Call it when `look_again`, in the clock's seconds, has come."""
        now = self._clock()
        self.look_again = now + INTERVAL
        stamp = self._store.stamp()
        if stamp is None or stamp == self._seen or (self.thread is not None and self.thread.is_alive()):
            return
        if stamp == self._failed and now < self._retry:
            return
        self.thread = threading.Thread(target=self._adopt, args=(stamp,), kwargs={"verify": True}, daemon=True)
        self.thread.start()

    def _adopt(self, stamp: tuple[int, int] | None, *, verify: bool) -> None:
        """Open the published generation and swap it in. `verify`: look at every file before. One that does not add up is
        tried again, ever more seldom."""
        try:
            generation = self._store.open()
            if generation is not None and verify:
                generation.verify()
        except StoreError as error:
            if stamp != self._failed:
                self._failed, self._told, self._pause = stamp, "", INTERVAL
            self._pause = min(self._pause * 2, 60.0)
            self._retry = self._clock() + self._pause
            kept = f"generation {self.server.generation.name} stays" if self.server else "the app answers everything"
            if self._told != str(error):
                self._told = str(error)
                log.error("%s Until then %s.", error, kept)  # noqa: TRY400 - one line says it all
            return
        self._seen, self._failed = stamp, None
        if generation is None or (self.server is not None and generation.identity == self.server.generation.identity):
            return
        server = SnapshotServer(generation, self._terms, memory=self._memory, quick=self._quick)
        server.older = list(older_assets(self._store, generation, keep=self._keep))
        if self.server is not None:
            log.info("generation %s is served (before: %s)", generation.name, self.server.generation.name)
        self.server = server


def older_assets(store: Store, generation: Generation, *, keep: int) -> Iterator[Generation]:
    """The `keep` generations before this one whose assets are still answered, for pages that visitors have open, newest first."""
    for name in store.earlier(generation.name)[:keep]:
        try:
            older = store.open(name, assets_only=True)
        except StoreError as error:
            log.warning("%s Its assets are not answered.", error)
            continue
        if older is not None and len(older):
            yield older
