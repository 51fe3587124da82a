"""The databases that this process has open. Nothing here needs chromadb."""
import atexit
import os
import threading
import time
import weakref

from chroma_cpp import _native

_LOADED_MIN = 20_000  # records: fewer are compared in no time

_lock = threading.RLock()
_directories = weakref.WeakValueDictionary()  # (path, options): Engine
_engines = weakref.WeakSet()
_finishing = set()  # engines that nobody holds, while the indexes of what was loaded are built


class Engine:
    """One open database and who holds it. It is closed when its last holder lets go. One whose
    holders were forgotten, such as the local variables of a function that loads, goes on until the
    process ends if it still builds indexes, and is found again by who opens the directory."""

    def __init__(self, database):
        self.database = database
        self._holders = weakref.WeakSet()
        self._owner = os.getpid()
        _engines.add(self)

    def is_foreign(self):
        """Whether this is the memory of the process that this one was forked from."""
        return self._owner != os.getpid()

    def hold(self, holder):
        with _lock:
            self._holders.add(holder)
            _finishing.discard(self)
        weakref.finalize(holder, self._holder_is_gone).atexit = False
        return self

    def release(self, holder):
        with _lock:
            self._holders.discard(holder)
            unused = not self._holders
        if unused:
            self.database.close()

    def _holder_is_gone(self):
        with _lock:
            if not any(True for _ in self._holders) and self.unfinished():
                _finishing.add(self)

    def unfinished(self):
        """The collections of its directory that this process has loaded, and that are not in their
        indexes yet."""
        if self.database.closed or self.is_foreign() or self not in list(_directories.values()):
            return []
        return [each for each in self.database.written_to(_LOADED_MIN) if _is_unindexed(each)]


def open_memory(holder, allow_reset=False, memory_limit=0):
    return Engine(_native.Database.in_memory("default_tenant", "default_database", allow_reset, 0,
                                             memory_limit)).hold(holder)


def open_directory(holder, path, allow_reset=False, memory_limit=0, read_only=False):
    """The engine of a directory: all clients of this process with these options share it."""
    key = (os.path.realpath(path), allow_reset, memory_limit, read_only)
    with _lock:
        engine = _directories.get(key)
        if engine is None or engine.database.closed:
            engine = Engine(_native.Database.in_directory(
                path, "default_tenant", "default_database", allow_reset, 0, memory_limit,
                read_only))
            _directories[key] = engine
        return engine.hold(holder)


def _is_unindexed(collection):
    try:
        return collection.indexing_status()[1] > 0
    except Exception:  # it was deleted, or its files are damaged: not our business here
        return False


def _finish_indexes(seconds):
    """Waits for the indexes of what this process has loaded, so that whoever opens the directory
    next need not build them first. Nothing would be lost without."""
    end = time.monotonic() + seconds
    for engine in list(_directories.values()):
        for collection in engine.unfinished():
            while _is_unindexed(collection) and time.monotonic() < end:
                time.sleep(0.02)


@atexit.register
def _close_all():
    try:
        _finish_indexes(float(os.environ.get("CHROMA_CPP_EXIT_SECONDS", 60)))
    finally:
        # No thread of the engine outlives the interpreter.
        for engine in list(_engines):
            engine.database.close()


def _in_child():
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_in_child)
