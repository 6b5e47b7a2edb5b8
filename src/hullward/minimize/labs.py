"""Several labs beside each other: trials wait most of their time, so they wait together."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from queue import SimpleQueue
from threading import Event
from typing import Any, TypeVar
from urllib.parse import quote

from hullward.host.contexts import Target
from hullward.host.engine_writer import EngineWriter, Refused
from hullward.host.reader import Access
from hullward.host.root_shell import RootShell
from hullward.host.tracing import Tracer
from hullward.minimize import cleaning, clone
from hullward.minimize.clone import Json
from hullward.minimize.data import Data
from hullward.minimize.lab import Lab
from hullward.minimize.trial import Asked, Session, Tools
from hullward.model.capabilities import granted
from hullward.model.errors import HullwardError

_T = TypeVar("_T")
_NOT_FOUND = 404
_MOST = 4


class Labs:
    """Labs of one session; a piece of work gets the next that is free."""

    def __init__(self, labs: Sequence[Lab], engine: EngineWriter, stopping: Event) -> None:
        """Take labs that are ready."""
        self.engine = engine
        self.first = labs[0]
        self._labs = labs
        self._stopping = stopping
        self._free: SimpleQueue[Lab] = SimpleQueue()
        for lab in labs:
            self._free.put(lab)

    @property
    def all(self) -> Sequence[Lab]:
        """Give every lab."""
        return self._labs

    def run(self, work: Sequence[Callable[[Lab], _T]]) -> list[_T]:
        """Do all the work, in the order of the answers; the first error ends it."""
        with ThreadPoolExecutor(len(self._labs)) as pool:
            futures = [pool.submit(self._one, piece) for piece in work]
            try:
                return [future.result() for future in futures]
            except BaseException:
                self._stopping.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _one(self, piece: Callable[[Lab], _T]) -> _T:
        lab = self._free.get()
        try:
            return piece(lab)
        finally:
            self._free.put(lab)


@contextmanager
def opened(target: Target, access: Access) -> Iterator[tuple[EngineWriter, RootShell]]:
    """Connect to an engine and to its machine; raises HullwardError if they are not one."""
    with EngineWriter(target, access) as engine, RootShell(target, access) as shell:
        said = shell.run("cat /proc/sys/kernel/osrelease")
        if said.text.split()[:1] != [engine.ask("GET", "/info")["KernelVersion"]]:
            raise HullwardError(
                "The engine does not run on the machine on which hullward has a root shell.",
                "Name the engine's machine as ssh://HOST.",
            )
        yield engine, shell


@contextmanager
def prepared(
    target: Target, access: Access, container: str, asked: Asked, jobs: int = 0
) -> Iterator[Labs]:
    """Make labs for a container; in the end all that was made is removed.

    What runs that were killed left behind goes first. `jobs` is the number of labs, 0 for one
    more than the engine has processors.
    """
    with ExitStack() as stack:
        engine, shell = stack.enter_context(opened(target, access))
        inspect = inspected(engine, container)
        found = clone.subject(inspect)
        clone.refuse(found, clone.obstacles(inspect))
        cleaning.sweep(engine, shell)
        session = Session(secrets.token_hex(4), cleaning.owner(shell))
        # Last in, first out: the sweep comes when every lab has ended.
        stack.callback(cleaning.sweep, engine, shell, session=session.id)
        data = Data(engine, shell, found, session.labels, with_data=asked.with_data)
        stopping = Event()
        count = jobs or min(_MOST, int(engine.ask("GET", "/info").get("NCPU") or 1) + 1)
        labs = []
        for number in range(1, count + 1):
            own = (engine, shell) if number == 1 else stack.enter_context(opened(target, access))
            admin = "SYS_ADMIN" in granted_to(found)
            tracer = stack.enter_context(Tracer(own[1], f"{session.id}-{number}", admin=admin))
            places = Data(*own, found, session.labels, bases=data.bases)
            tools = Tools(*own, tracer, places, stopping)
            labs.append(stack.enter_context(Lab(tools, session, inspect, asked, number)))
        yield Labs(labs, engine, stopping)


def granted_to(found: clone.Subject) -> frozenset[str]:
    """Name the capabilities that the engine grants the container as it is."""
    return granted(found.cap_add, found.cap_drop, privileged=found.privileged)


def inspected(engine: EngineWriter, name: str) -> Json:
    """Find the container by name or id, or as the one container of a compose service."""
    try:
        found: dict[str, Any] = engine.ask("GET", f"/containers/{quote(name, safe='')}/json")
    except Refused as error:
        if error.status != _NOT_FOUND:
            raise
        return _service(engine, name)
    return found


def _service(engine: EngineWriter, name: str) -> Json:
    project, _, service = name.rpartition("/")
    label = "com.docker.compose."
    found = [
        container["Id"]
        for container in engine.ask("GET", "/containers/json?all=1")
        if container["Labels"].get(f"{label}service") == service
        and project in {"", container["Labels"].get(f"{label}project")}
    ]
    if not found:
        raise HullwardError(
            f"There is no container and no compose service {name!r}.",
            "`docker ps -a` lists the containers; a service may be named as PROJECT/SERVICE.",
        )
    if len(found) > 1:
        raise HullwardError(
            f"{len(found)} containers belong to a compose service {name!r}.",
            "Name one of them, or the service as PROJECT/SERVICE.",
        )
    inspect: dict[str, Any] = engine.ask("GET", f"/containers/{found[0]}/json")
    return inspect
