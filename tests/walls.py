"""Hosts of any state, for tests of the walls."""

from hypothesis import strategies as st

from hullward.fixes.firewall import Wishes as FirewallWishes
from hullward.fixes.isolation import Wishes as IsolationWishes
from hullward.model.firewall import Link
from hullward.model.users import Account
from hullward.model.walls import Ground, Proxy, Publication, Session

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789_.-@+~^%=,!"
link_names = st.text(_LETTERS, min_size=1, max_size=15).filter(lambda n: n not in {".", "..", "lo"})
ports = st.integers(1, 65535)
four = st.ip_addresses(v=4).map(str)
six = st.ip_addresses(v=6).map(str)
addresses = four | six
uids = st.integers(0, 2**32 - 2)
kinds = st.sampled_from(["", "bridge", "veth", "dummy", "tun", "wireguard", "vlan", "bond"])
_prefixed = four.map("{}/24".format) | six.map("{}/64".format)


def links() -> st.SearchStrategy[tuple[Link, ...]]:
    one = st.builds(
        Link, name=link_names, kind=kinds, role=st.sampled_from(["outside", "inside", "container"]),
        addresses=st.lists(_prefixed, max_size=2).map(tuple),
    )  # fmt: skip
    many = st.lists(one, max_size=6, unique_by=lambda link: link.name)
    return many.map(lambda found: (Link("lo", role="loopback"), *found))


@st.composite
def grounds(draw: st.DrawFn) -> Ground:
    found = draw(links())
    names = [link.name for link in found]
    bridges = [link.name for link in found if link.kind == "bridge"]
    session = st.builds(Session, addresses, ports, addresses, st.sampled_from([*names, ""]))
    special = st.sampled_from(["", "0.0.0.0", "::", "127.0.0.1", "::1"])  # noqa: S104 - never bound
    published = st.builds(
        Publication, st.sampled_from(["tcp", "udp", "sctp"]), ports,
        addresses | special,
    )  # fmt: skip
    return Ground(
        links=found,
        bridges=frozenset(draw(st.lists(st.sampled_from(bridges)))) if bridges else frozenset(),
        routed=tuple(
            draw(st.lists(four.map("{}/32".format) | six.map("{}/128".format), max_size=2))
        ),
        published=tuple(draw(st.lists(published, max_size=8))),
        proxies=tuple(draw(st.lists(st.builds(Proxy, st.just("nginx"), uids), max_size=3))),
        accounts=(Account("traefik", 1001, 1001),),
        here=draw(st.none() | session),
        sessions=tuple(draw(st.lists(session, max_size=2))),
        ssh_ports=frozenset(draw(st.lists(ports, max_size=2))),
    )


_plain = st.builds("{}/{}".format, ports, st.sampled_from(["tcp", "udp"]))
_from = st.builds("{} from {}".format, _plain, four.map("{}/8".format) | six.map("{}/48".format))
_on = st.builds("{} on {}".format, _plain, link_names)
isolation_wishes = st.builds(
    IsolationWishes,
    users=st.lists(uids.map(str) | st.just("traefik"), max_size=3).map(tuple),
    open=st.lists(_plain, max_size=3).map(tuple),
)
firewall_wishes = st.builds(
    FirewallWishes,
    open_tcp=st.lists(ports, max_size=4).map(tuple),
    open_udp=st.lists(ports, max_size=4).map(tuple),
    open=st.lists(_plain | _from | _on, max_size=4).map(tuple),
)
