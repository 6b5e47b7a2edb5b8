"""Which ports the owner of a host means to leave open to strangers."""

from typing import Annotated

from msgspec import Meta, Struct

PortNumber = Annotated[int, Meta(ge=1, le=65535)]


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """The ports that are meant to be open; the rest is closed.

    The defaults are the guide's: ssh, HTTP for the redirection to HTTPS, HTTPS (also over QUIC).
    The rest is for `hullward firewall`: `open` are ports with conditions, such as "5432/tcp from
    10.0.0.0/8", `trust` and `outside` are interfaces of which the host cannot tell what they are.
    """

    open_tcp: frozenset[PortNumber] = frozenset({22, 80, 443})
    open_udp: frozenset[PortNumber] = frozenset({443})
    open: tuple[str, ...] = ()
    trust: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Write the open ports as people do: "22/tcp, 443/udp", or "nothing"."""
        named = [f"{port}/tcp" for port in sorted(self.open_tcp)]
        named += [f"{port}/udp" for port in sorted(self.open_udp)]
        return ", ".join(named) or "nothing"

    def ports(self, protocol: str) -> frozenset[int]:
        """Give the open ports of "tcp" or "udp"; none of another protocol."""
        return {"tcp": self.open_tcp, "udp": self.open_udp}.get(protocol, frozenset())


GUIDE = Policy()
