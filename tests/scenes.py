"""Whole hosts, for tests of what is said about them."""

from datetime import date

import machines
from builders import (
    COMPOSE,
    NEW_PRIVILEGES_OFF,
    best,
    careful_engine,
    engine,
    process,
    snapshot,
)
from hullward.judge import judge, waiver_notes
from hullward.model.facts import (
    Container,
    History,
    Image,
    ImageFiles,
    Listener,
    Mount,
    Network,
    Port,
    Snapshot,
    Unread,
    UnusedImages,
)
from hullward.model.report import HostReport, Report
from hullward.model.waiver import Waiver
from hullward.rules import ALL

TODAY = date(2026, 11, 1)
WAIVERS = (
    Waiver("container-host-network", "proxy", "it must see the clients' addresses"),
    Waiver("container-root", "gone", "an old one", date(2026, 10, 1)),
)
_SOCKET = "/var/run/docker.sock"


def in_order() -> Snapshot:
    """Describe a host of which no rule finds more than that its engine runs as root."""
    image = Image(
        "sha256:best",
        created="2026-10-01T00:00:00Z",
        checked=True,
        history=History(),
        files=ImageFiles(),
    )
    return snapshot(
        best(),
        engine=careful_engine(),
        images={image.id: image},
        unused_images=UnusedImages(),
        networks=(Network("bridge", talk=False), Network("shop_default")),
        host=machines.best(),
    )


def shop() -> Snapshot:
    """Describe a small host with a container of every kind that the table shows differently."""
    return snapshot(
        best(),
        Container(
            "cache",
            id="c" * 64,
            image="redis:8.2",
            image_id="sha256:redis",
            networks=("shop_default",),
            processes=(process(200, "redis-server", uid=999, bounding=0),),
        ),
        Container(
            "ci-runner",
            id="d" * 64,
            image="shop/runner",
            privileged=True,
            networks=("bridge",),
            mounts=(Mount("bind", "/builds", "/srv/continuous-integration/runner/builds"),),
        ),
        Container(
            "files-sftp-server-1",
            id="e" * 64,
            image="shop/sftp:4.5",
            user="sftp",
            uid=101,
            cap_add=("CAP_CHOWN", "SYS_CHROOT", "setuid", "SETGID"),
            cap_drop=("ALL",),
            security_opt=NEW_PRIVILEGES_OFF,
            networks=("shop_default",),
            mounts=(
                Mount("volume", "/home", "", volume="home"),
                Mount("bind", "/etc/localtime", "/etc/localtime", writable=False),
            ),
            ports=(Port(22, "tcp", "0.0.0.0", 2222), Port(22, "tcp", "::", 2222)),  # noqa: S104
        ),
        Container(
            "proxy",
            id="f" * 64,
            image="traefik:latest",
            user="0:0",
            network_mode="host",
            networks=("host",),
            mounts=(Mount("bind", _SOCKET, _SOCKET, writable=False),),
            listeners=(Listener("0.0.0.0", 80), Listener("::", 443)),  # noqa: S104
            labels=COMPOSE,
        ),
        Container(
            "sidecar",
            id="9" * 64,
            image="shop/sidecar:1",
            user="app",
            uid=None,
            uid_gap="it has no /etc/passwd",
            network_mode="container:" + "f" * 64,
            security_opt=("no-new-privileges:false", "seccomp=unconfined"),
        ),
        Container("stopped", id="8" * 64, image="shop/stopped:1", state="exited"),
        unread=(Unread("lost", "7" * 64, "the engine answered 500"),),
        images={"sha256:redis": Image("sha256:redis", created="2024-01-01T00:00:00Z")},
        networks=(Network("bridge"), Network("host", "host"), Network("shop_default")),
        engine=engine(),
    )


def audited(*hosts: Snapshot) -> Report:
    """Judge hosts by every rule, and one that could not be reached."""
    looked = tuple(judge(host, ALL, WAIVERS, TODAY) for host in hosts)
    away = HostReport("ssh://away", error="ssh: connection refused", advice="Is it on?")
    notes = waiver_notes(looked, WAIVERS, TODAY)
    return Report("2026-11-01T00:00:01Z", (*looked, away), notes)
