"""Facts of any content, for tests of what must hold for all of them."""

from typing import Any

from hypothesis import strategies as st

from hullward.model.facts import (
    Container,
    Device,
    Engine,
    Exec,
    Image,
    Listener,
    Mount,
    Network,
    Plugin,
    Port,
    Process,
    Snapshot,
    Unread,
    Written,
)

words = st.text(max_size=8)
numbers = st.integers(-(2**63), 2**63 - 1)
masks = st.integers(0, 2**63 - 1)


def tuples(items: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(items, max_size=2).map(tuple)


processes = st.builds(
    Process, pid=numbers, name=words, uids=tuples(numbers), effective=masks, permitted=masks,
    bounding=masks, inheritable=masks, ambient=masks, no_new_privileges=st.booleans(),
    seccomp=numbers, remapped=st.booleans(),
)  # fmt: skip
containers = st.builds(
    Container, name=words, id=words, state=words, user=words, uid=st.none() | numbers,
    privileged=st.booleans(), cap_add=tuples(words), cap_drop=tuples(words),
    security_opt=tuples(words), masked_paths=st.none() | tuples(words), network_mode=words,
    mounts=tuples(
        st.builds(Mount, words, words, st.none() | words, st.booleans(), words, words, words)
    ),
    ports=tuples(st.builds(Port, numbers, words, words, numbers)),
    listeners=st.none() | tuples(st.builds(Listener, words, numbers, words)),
    devices=tuples(st.builds(Device, words, words)),
    sysctls=st.dictionaries(words, words, max_size=2), memory=numbers, pids=numbers,
    environment=tuples(words), labels=st.dictionaries(words, words, max_size=2),
    execs=st.none() | tuples(st.builds(Exec, words, st.booleans())), pid=numbers,
    processes=st.none() | tuples(processes), uid_gap=words, processes_gap=words,
)  # fmt: skip
engines = st.builds(
    Engine, version=words, api=words, components=st.dictionaries(words, words, max_size=2),
    security_options=st.none() | tuples(words), warnings=tuples(words), swarm=words,
)  # fmt: skip
words_by_word = st.dictionaries(words, words, max_size=2)
snapshots = st.builds(
    Snapshot, target=words, collected_at=words, engine=st.none() | engines,
    containers=tuples(containers), unread=tuples(st.builds(Unread, words, words, words)),
    images=st.dictionaries(
        words, st.builds(Image, words, tuples(words), tuples(words), words), max_size=2
    ),
    networks=st.none()
    | tuples(st.builds(Network, words, words, st.booleans(), st.none() | st.booleans())),
    plugins=st.none() | tuples(st.builds(Plugin, words, st.booleans(), tuples(words))),
    written=st.dictionaries(
        words, st.builds(Written, st.none() | containers, words, words_by_word, words_by_word),
        max_size=2,
    ),
    gaps=words_by_word,
)  # fmt: skip
