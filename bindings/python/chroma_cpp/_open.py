"""The databases that this process has open. Nothing here needs chromadb."""
import atexit
import os
import threading
import weakref

from chroma_cpp import _native

_lock = threading.RLock()
_directories = weakref.WeakValueDictionary()  # (path, options): Engine
_engines = weakref.WeakSet()


class Engine:
    """One open database and who holds it. It is closed when its last holder lets go."""

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
        return self

    def release(self, holder):
        with _lock:
            self._holders.discard(holder)
            unused = not self._holders
        if unused:
            self.database.close()


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


@atexit.register
def _close_all():
    # No thread of the engine outlives the interpreter.
    for engine in list(_engines):
        engine.database.close()


def _in_child():
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_in_child)
