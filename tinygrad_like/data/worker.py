"""Worker processes: each fetches whole batches, and hands them over in shared memory.

The loader and a worker talk over a pipe of their own, so that one that dies disturbs nobody and is noticed at once.  Tasks go one
way; batches come back the other way in the order of the tasks.  The arrays of a batch lie in memory without a name
(`memfd_create`), of which only the handle goes through the pipe: it is freed with the last who uses it, however that ends.  Where
there is no such memory, or for little arrays, the numbers go through the pipe.
"""
from __future__ import annotations

import contextlib
import gc
import mmap
import multiprocessing
import os
import pickle
import queue
import signal
import sys
import threading
import time
import traceback
import warnings
import weakref
from collections import deque
from dataclasses import dataclass
from multiprocessing import connection, reduction
from typing import Any

from .. import backend, machine
from .fetch import END, Failed, Fetch, attributes, few, renamed, said
from .seeding import seed_all

SHARED = hasattr(os, "memfd_create") and hasattr(mmap, "MAP_SHARED")
LITTLE = 32768                                                  # bytes: less goes through the pipe
ALIGN = 64


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker knows of itself.

    id: 0 … num_workers - 1        seed: of its random numbers when the epoch began        dataset: its copy, or its view of it
    """
    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a worker process of a DataLoader, what it knows of itself (`id`, `num_workers`, `seed`, `dataset`); elsewhere None."""
    return _info


# ---- in the worker ----------------------------------------------------------------------------------------------
def work(pipe: Any, others: list[Any], fetch: Fetch, id: int, num_workers: int, init: Any,
         current: Any) -> None:
    """Answer tasks until the pipe is closed, or the parent is gone."""
    global _info
    gc.freeze()                                                 # the collector would write into every object, and so copy its page
    signal.signal(signal.SIGINT, signal.SIG_IGN)                # Ctrl-C is the parent's affair
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for each in others:
        each.close()
    machine.keep_memory()
    backend.set_default_device("cpu")                           # a forked process cannot use the GPU
    parent, begun = os.getppid(), False
    fetch.current = current
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()       # sent by a thread: so this one can always take the next task
    threading.Thread(target=send_all, args=(pipe, answers), daemon=True).start()
    seed, trouble = 0, None
    while (task := next_task(pipe, parent)) is not None:
        number, indices = task
        try:
            if number is None:                                  # a new epoch
                trouble, seed = None, indices
                _info = WorkerInfo(id, num_workers, seed + id, fetch.dataset)
                seed_all(_info.seed)
                try:
                    if init is not None and not begun:
                        init(id)
                    begun = True
                    fetch.start()
                except Exception as error:
                    trouble = error
                continue
            if trouble is not None:
                raise trouble
            batch = fetch(number, indices, None if fetch.iterable else seed)
            answer = pack("end", None) if batch is END else pack("batch", batch)
        except Exception as error:
            answer = packed_error(error)
        answers.put(answer)
        current[0] = current[1] = -1


def next_task(pipe: Any, parent: int) -> Any:
    try:
        while not pipe.poll(2):
            if os.getppid() != parent:
                return None
        return pipe.recv()
    except (EOFError, OSError):
        return None


def send_all(pipe: Any, answers: Any) -> None:
    with contextlib.suppress(OSError):                          # the parent has hung up
        while True:
            message, handle = answers.get()
            pipe.send_bytes(message)
            if handle is not None:
                reduction.send_handle(pipe, handle, None)
                os.close(handle)


def packed_error(error: BaseException) -> Any:
    text = error.text if isinstance(error, Failed) else said(error)
    kind = next((kind for kind in type(error).__mro__ if not issubclass(kind, Failed) and findable(kind)), RuntimeError)
    told = {name: value for name, value in attributes(error).items() if isinstance(value, (int, str, bytes))}
    return pack("error", (kind, text, told, "".join(traceback.format_exception(error.__cause__ or error))))


def findable(kind: type) -> bool:
    try:
        pickle.dumps(kind)
    except Exception:
        return False
    return True


def pack(what: str, value: Any) -> tuple[bytes, int | None]:
    """The message, and the handle of the memory that holds the arrays in it; None if the message holds them."""
    buffers: list[Any] = []

    def aside(buffer: pickle.PickleBuffer) -> bool:             # whether the numbers stay in the message
        with contextlib.suppress(BufferError):                  # of memory with gaps
            raw = buffer.raw()
            if SHARED and raw.nbytes >= 1024:
                buffers.append(raw)
                return False
        return True

    message = pickle.dumps((what, value), 5, buffer_callback=aside)
    if not buffers:
        return pickle.dumps((message, None)), None
    if sum([raw.nbytes for raw in buffers]) < LITTLE:
        return pickle.dumps((message, [bytes(raw) for raw in buffers])), None
    places, end = [], 0
    for raw in buffers:
        places.append((end, raw.nbytes))
        end += -(-raw.nbytes // ALIGN) * ALIGN
    handle = os.memfd_create("batch", os.MFD_CLOEXEC)
    try:
        os.ftruncate(handle, end)
        for raw, (start, size) in zip(buffers, places):
            done = 0
            while done < size:
                done += os.pwrite(handle, raw[done:], start + done)
    except BaseException:
        os.close(handle)
        raise
    return pickle.dumps((message, (places, end))), handle


# ---- in the loader's process ------------------------------------------------------------------------------------
_mapped = 0                                                     # batches in shared memory, in use: each may hold a file open


def unpack(pipe: Any) -> tuple[str, Any]:
    """The answer that has arrived in the pipe: (what, value)."""
    global _mapped
    message, rest = pickle.loads(pipe.recv_bytes())
    if rest is None:
        return pickle.loads(message)
    if isinstance(rest, list):
        return pickle.loads(message, buffers=[bytearray(each) for each in rest])
    places, size = rest
    handle = reduction.recv_handle(pipe)
    try:
        if _mapped < min(200, files_allowed() // 4):
            memory: Any = mmap.mmap(handle, size, mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0))
            _mapped += 1
            weakref.finalize(memory, unmapped).atexit = False
        else:                                                   # somebody keeps them all: files would run out
            memory = bytearray(size)
            done = 0
            while done < size:
                done += os.preadv(handle, [memoryview(memory)[done:]], done)
    finally:
        os.close(handle)
    whole = memoryview(memory)
    return pickle.loads(message, buffers=[whole[start:start + n] for start, n in places])


def unmapped() -> None:
    global _mapped
    _mapped -= 1


def files_allowed() -> int:
    """How many files a process may have open (`ulimit -n`)."""
    import resource  # not on Windows, which has no shared memory of this kind either
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def context_of(given: Any) -> Any:
    """How processes are started: by fork where that is safe, so that they share the data set's memory with this one."""
    if isinstance(given, multiprocessing.context.BaseContext):
        return given
    if not isinstance(given, (str, type(None))):
        raise TypeError("multiprocessing_context takes the name of one ('fork', 'spawn') or multiprocessing.get_context(name), got "
                        f"{type(given).__name__}")
    methods = multiprocessing.get_all_start_methods()
    if isinstance(given, str) and given not in methods:
        raise ValueError(f"multiprocessing_context {given!r}: this machine offers {', '.join(map(repr, methods))}")
    return multiprocessing.get_context(given or ("fork" if "fork" in methods and sys.platform != "darwin" else None))


class Workers:
    """The worker processes of a loader."""

    def __init__(self, count: int, fetch: Fetch, init: Any, context: Any) -> None:
        self.processes: list[Any] = []
        self.pipes: list[Any] = []
        self.current: list[Any] = []                            # (batch, sample) that each is busy with, in memory that is shared
        self.begun = 0                                          # epochs
        self.waiting: deque[tuple[int, int, Any]] = deque()     # tasks without an answer yet: (batch, worker, indices)
        self.fetch = fetch
        self.shut = weakref.finalize(self, shut, self.processes, self.pipes, os.getpid())
        for id in range(count):
            mine, its = context.Pipe(duplex=True)
            self.pipes.append(mine)
            others = list(self.pipes) if context.get_start_method() == "fork" else []       # it inherits these, open
            self.current.append(context.RawArray("q", [-1, -1]))
            process = context.Process(target=work, name=f"DataLoader worker {id}", daemon=True,
                                      args=(its, others, fetch, id, count, init, self.current[-1]))
            try:
                with warnings.catch_warnings():
                    if threading.active_count() == 1:           # the threads it warns of are BLAS's, which can be forked
                        warnings.filterwarnings("ignore", ".*multi-threaded.*fork", DeprecationWarning)
                    process.start()
            except (pickle.PicklingError, AttributeError, TypeError) as error:
                self.shut()
                raise type(error)(f"{error}.  Processes started by {context.get_start_method()!r} get the data set, collate_fn and "
                                  "worker_init_fn by pickle: define them at the top of a file, or use num_workers=0") from error
            finally:
                its.close()
            self.processes.append(process)

    def begin(self, seed: int) -> None:
        self.begun += 1
        for worker in range(len(self.processes)):
            self.ask(worker, None, seed)

    def ask(self, worker: int, number: int | None, indices: Any) -> None:
        with contextlib.suppress(OSError):                      # it is dead: its answer will be missed
            self.pipes[worker].send((number, indices))

    def answer(self, worker: int, number: int, indices: Any, timeout: float) -> tuple[str, Any]:
        """What a worker says to its oldest task."""
        pipe, process = self.pipes[worker], self.processes[worker]
        ready = connection.wait([pipe, process.sentinel], timeout or None)
        if not ready:
            self.shut()
            raise RuntimeError(f"DataLoader timed out after {timeout} seconds: worker {worker} is still fetching batch {number}"
                               f"{self.samples(indices)}")
        try:
            if pipe not in ready and not pipe.poll():
                raise EOFError
            return unpack(pipe)
        except (EOFError, ConnectionError):
            process.join(5)
            code, pid = process.exitcode, process.pid
            self.shut()
            how = f"exited with code {code}" if code is None or code >= 0 else f"was killed by {signal_name(-code)}"
            why = "; it may have been out of memory: try fewer workers or smaller batches" if code == -signal.SIGKILL else (
                "; a library that it calls crashed" if code in (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS) else "")
            batch, sample = self.current[worker]
            doing = f"while it fetched sample {self.fetch.about(sample)}" if sample >= 0 else f"while it fetched batch {batch}" if (
                batch >= 0) else f"before it had fetched batch {number}{self.samples(indices)}"
            raise RuntimeError(f"DataLoader worker {worker} (pid {pid}) {how} {doing}{why}") from None

    def samples(self, indices: Any) -> str:
        if self.fetch.iterable:
            return ""
        if not self.fetch.batched:
            return f", sample {self.fetch.about(indices)}"
        return f", samples {few(indices)}" if len(indices) > 4 else f", samples {', '.join(map(self.fetch.about, indices))}"


def signal_name(number: int) -> str:
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


def shut(processes: list[Any], pipes: list[Any], owner: int) -> None:
    """End the workers: they see their pipes closed; those that are busy for longer are stopped."""
    if os.getpid() != owner:                                    # a child has inherited this
        return
    for pipe in pipes:
        pipe.close()
    until = time.monotonic() + 1
    for process in processes:
        process.join(max(0, until - time.monotonic()))
    for stop in ("terminate", "kill"):
        late = [process for process in processes if process.is_alive()]
        for process in late:
            getattr(process, stop)()
        for process in late:
            process.join(2)
    processes.clear()
    pipes.clear()


def error_from(worker: int, told: Any) -> BaseException:
    """The error that a worker told of, of the same kind."""
    kind, text, attributes, trace = told
    return renamed(kind, f"{text}  (in DataLoader worker {worker})\n\nThere:\n{trace}", attributes)
