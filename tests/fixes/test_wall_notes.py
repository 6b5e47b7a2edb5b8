from msgspec.structs import replace

from hullward.fixes import firewall as outer
from hullward.fixes import isolation, wall_notes
from hullward.fixes.firewall import Wishes
from hullward.model.facts import Container, Engine, Port, Snapshot
from hullward.model.firewall import Firewall, Link
from hullward.model.host import Host
from hullward.model.sockets import Socket, Sockets
from hullward.model.users import Account, Group, Users
from hullward.model.walls import Ground, Proxy, Publication

ANY = "0.0.0.0"  # noqa: S104 - a fact
LINKS = (
    Link("lo", role="loopback", addresses=("127.0.0.1/8",)),
    Link("eth0", role="outside", addresses=("192.0.2.1/24",), routes=(4,)),
    Link("docker0", "bridge", "container", ("172.17.0.1/16",)),
    Link("br-lan", "bridge", "inside", ("10.20.0.1/24",)),
)
SOCKETS = (
    Socket("tcp", ANY, 22, "sshd", 1),
    Socket("tcp", "127.0.0.1", 5432, "postgres", 2),
    Socket("tcp", "172.17.0.1", 53, "unbound", 3),
    Socket("tcp", ANY, 8080, "docker-proxy", 4),
)
GROUND = Ground(
    links=LINKS,
    bridges=frozenset({"docker0"}),
    published=(Publication("tcp", 8080, "", "web"),),
    proxies=(Proxy("traefik", 1001, "proxy"),),
    accounts=(Account("traefik", 1001, 1001, "/bin/bash"),),
    listening=SOCKETS,
)
SNAPSHOT = Snapshot(
    "web1",
    containers=(
        Container("web", "a1", ports=(Port(80, "tcp", ANY, 8080),)),
        Container("proxy", "a2", network_mode="host"),
    ),
    host=Host(
        users=Users(groups=(Group("docker", 999, ("alice",)),)),
        firewall=Firewall(tables=(), links=LINKS, forwarding={"4": True}),
        sockets=Sockets(SOCKETS),
    ),
)


def of_isolation(ground: Ground = GROUND, *users: str) -> tuple[str, ...]:
    found = isolation.plan(ground, isolation.Wishes(users=users))
    return wall_notes.isolation(ground, found, SNAPSHOT)


def test_the_preview_names_who_is_let_through_and_why() -> None:
    notes = of_isolation(GROUND, "4000")

    proxy, stranger = notes[:2]
    assert proxy.startswith("may reach containers beside root: traefik (uid 1001), for traefik of")
    assert proxy.endswith("; somebody can log in as this user")
    assert stranger == "may reach containers beside root: a uid without an account (uid 4000)"


def test_the_preview_names_both_kinds_of_bridges_and_what_containers_lose() -> None:
    notes = of_isolation()

    assert "bridges of containers now: docker0; later ones count too" in notes
    assert "the host's own bridges, left alone: br-lan" in notes
    assert (
        "containers reach these services of the host no more: 22/tcp (sshd), 53/tcp (unbound); "
        "--open PORT/tcp leaves one open"
    ) in notes


def test_a_protocol_that_the_wall_does_not_know_is_named() -> None:
    ground = replace(GROUND, published=(Publication("sctp", 9000),))

    assert "published by a protocol that the wall does not know: sctp" in of_isolation(ground)


def test_limits_are_those_of_this_host() -> None:
    rootless = Snapshot("web1", engine=Engine("28", security_options=("name=rootless",)))

    found = wall_notes.limits(SNAPSHOT)

    assert any("alice of the group docker" in text for text in found)
    assert any("proxy (network host)" in text for text in found)
    assert not any("group docker" in text for text in wall_notes.limits(rootless))
    assert any("runs rootless" in text for text in wall_notes.limits(rootless))


WEB = replace(SNAPSHOT, containers=SNAPSHOT.containers[:1])


def of_firewall(ground: Ground = GROUND, snapshot: Snapshot = WEB) -> tuple[str, ...]:
    wishes = Wishes(open=("9090/tcp from 10.0.0.0/8",), trust=("br-lan",))
    return wall_notes.firewall(ground, outer.plan(ground, wishes), wishes, snapshot)


def test_the_preview_of_the_firewall_says_what_is_open_before_and_after() -> None:
    notes = of_firewall()

    assert notes[:5] == (
        "outside: eth0",
        "trusted: br-lan",
        "container: docker0",
        "open to everybody: 22/tcp, 80/tcp, 443/tcp, 443/udp",
        "open beside that: 9090/tcp from 10.0.0.0/8",
    )
    closing = next(note for note in notes if note.startswith("it closes"))
    assert "8080/tcp (web): open → closed" in closing
    assert "it leaves as they are: 22/tcp (sshd): open" in notes


def test_who_else_decides_is_named() -> None:
    swarm = replace(WEB, engine=Engine("28", swarm="active"))

    notes = of_firewall(replace(GROUND, managers=("ufw",)), swarm)

    assert any(note.startswith("ufw is active, and filters behind this wall") for note in notes)
    assert any("2377/tcp, 7946/tcp, 4789/udp, 7946/udp" in note for note in notes)


def test_status_says_how_every_link_is_classified() -> None:
    found = wall_notes.outer_limits(replace(GROUND, managers=("firewalld",)), Wishes())

    assert found == (
        "outside: eth0",
        "container: docker0",
        "counts as outside until it is named: br-lan",
        "firewalld filters behind it, and may close more",
    )
