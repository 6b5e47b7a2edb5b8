"""What is proposed for a service, how sure it is, and what is left to people."""

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from hullward.compose import nodes
from hullward.compose import project as reading
from hullward.compose.model import MissingFileError
from hullward.fixes.compose.proposal import Grade, Known, Left, Proposal
from hullward.fixes.compose.proposing import propose
from hullward.model.facts import Engine, FileCapability, Image, ImageFiles, OwnedFile
from hullward.model.needs import Confidence, Needs

NEEDS = Needs(
    image="docker.io/library/cache",
    tags=("1",),
    invocation="as it is",
    sources=("https://example.org/cache",),
    checked=date(2026, 11, 1),
    confidence=Confidence.HIGH,
    capabilities=("SETGID", "SETUID"),
    tolerated={"KILL": "it stops slowly"},
    no_new_privileges=True,
    read_only=True,
    tmpfs=("/run/cache:mode=1777",),
)
SOURCE = (
    "profile of cache; holds for this invocation only: as it is "
    "(high confidence, 2026-11-01, https://example.org/cache)"
)
BARE = Image("sha256:0123456789abcdef", user="", files=ImageFiles())
SU = Image("sha256:0123456789abcdef", files=ImageFiles(setuid=(OwnedFile("/bin/su", 0),)))


def answers(service: str, known: Known = Known(), more: str = "") -> list[Proposal | Left]:  # noqa: B008 - a value
    text = f"services:\n  web:\n    image: cache:1\n{service}{more}"
    project = reading.read(("/p/compose.yaml",), {}, lambda _: text.encode(), env_files=())
    root = nodes.parse(text, "/p/compose.yaml")
    return list(propose(project, root, {"web": known}, ["web"]))


def lines(found: list[Proposal | Left], rule: str) -> list[Any]:
    """Show each line of a rule as (grade, path, value, reason)."""
    return [
        (answer.grade, line.change.path, line.change.value, line.reason)
        for answer in found
        if isinstance(answer, Proposal) and answer.rule == rule
        for line in answer.lines
    ]


def grades(found: list[Proposal | Left], rule: str) -> list[Grade]:
    return [a.grade for a in found if isinstance(a, Proposal) and a.rule == rule]


def left(found: list[Proposal | Left], rule: str) -> list[str]:
    return [a.reason for a in found if isinstance(a, Left) and a.rule == rule]


NNP, CAPS = "container-new-privileges", "container-default-capabilities"
WRITABLE, OPEN = "container-writable-root", "container-published-everywhere"


@pytest.mark.parametrize(
    ("known", "grade", "reason"),
    [
        (Known(), Grade.GUESS, "may use a setuid program such as sudo: the image was not looked"),
        (Known(gap="x"), Grade.GUESS, "may use a setuid program such as sudo: x"),
        (Known(image=SU), Grade.GUESS, "the image may use one of /bin/su"),
        (Known(image=BARE), Grade.SAFE, "the image sha256:0123456789ab has no setuid program"),
        (Known(needs=(NEEDS,)), Grade.KNOWN, SOURCE),
        (Known(image=SU, needs=(NEEDS,)), Grade.KNOWN, SOURCE),
        (
            Known(engine=Engine("1", security_options=("name=no-new-privileges",))),
            Grade.SAFE,
            "the engine sets it for every container already",
        ),
    ],
)
def test_no_new_privileges_is_as_sure_as_what_is_known(
    known: Known, grade: Grade, reason: str
) -> None:
    ((found, path, value, said),) = lines(answers("", known), NNP)

    assert (found, path, value) == (grade, ("security_opt",), ("no-new-privileges:true",))
    assert reason in said


@pytest.mark.parametrize("option", ["no-new-privileges", "no-new-privileges:true"])
def test_no_new_privileges_is_not_proposed_twice(option: str) -> None:
    assert grades(answers(f"    security_opt: ['{option}']\n"), NNP) == []


def test_what_the_file_switches_off_is_left_to_people() -> None:
    found = answers(
        "    security_opt: ['no-new-privileges:false']\n    read_only: false\n"
        "    pids_limit: -1\n    mem_limit: 0\n"
    )

    assert left(found, NNP) == ["the file says no-new-privileges:false"]
    assert left(found, WRITABLE) == ["the file says read_only: false"]
    assert left(found, "container-no-pids-limit") == ["the file says that there is no limit"]
    assert left(found, "container-no-memory-limit") == ["the file says that there is no limit"]


def test_capabilities_of_a_profile_are_kept_with_what_each_is_for() -> None:
    assert lines(answers("", Known(needs=(NEEDS,))), CAPS) == [
        (Grade.KNOWN, ("cap_drop",), ("ALL",), SOURCE),
        (
            Grade.KNOWN,
            ("cap_add",),
            ("KILL", "SETGID", "SETUID"),
            "without KILL it stops slowly; without SETGID, SETUID it fails",
        ),
    ]


def test_capabilities_that_are_added_already_are_not_added_again() -> None:
    found = answers("    cap_add: [CAP_KILL, setuid]\n", Known(needs=(NEEDS,)))

    assert [value for _, _, value, _ in lines(found, CAPS)] == [("ALL",), ("SETGID",)]


@pytest.mark.parametrize(
    "service",
    [
        "    command: other\n",
        "    entrypoint: other\n",
        "    network_mode: host\n",
        "    sysctls: {net.ipv4.ip_unprivileged_port_start: '1024'}\n",
    ],
)
def test_a_profile_of_another_invocation_is_a_guess(service: str) -> None:
    found = answers(service, Known(needs=(NEEDS,)))

    assert grades(found, CAPS) == grades(found, WRITABLE) == [Grade.GUESS]


def test_a_profile_that_nobody_measured_is_a_guess() -> None:
    found = answers("", Known(needs=(replace(NEEDS, confidence=Confidence.LOW),)))

    assert grades(found, CAPS) == grades(found, WRITABLE) == [Grade.GUESS]


@pytest.mark.parametrize("service", ["    user: '7'\n", "    build: .\n"])
def test_a_profile_of_another_user_or_another_image_is_none(service: str) -> None:
    assert "profile" not in str(answers(service, Known(needs=(NEEDS,))))


@pytest.mark.parametrize(
    ("service", "image", "grade"),
    [
        ("    user: '7'\n", BARE, Grade.SAFE),
        ("", Image("x", user="7:7", files=ImageFiles()), Grade.SAFE),
        ("    user: '7'\n    security_opt: ['no-new-privileges=1']\n", SU, Grade.SAFE),
        ("    user: '7'\n", SU, Grade.GUESS),
        ("    user: '7'\n", Image("x", files_gap="too large"), Grade.GUESS),
        ("    user: '0'\n", BARE, Grade.GUESS),
        ("    user: app\n", BARE, Grade.GUESS),
        ("", Image("x", user="app", files=ImageFiles()), Grade.GUESS),
        (
            "    user: '7'\n    post_start: [{command: a, user: root}]\n",
            BARE,
            Grade.GUESS,
        ),
        (
            "    user: '7'\n    security_opt: ['no-new-privileges=1']\n",
            Image("x", files=ImageFiles(capabilities=(FileCapability("/ping", ("NET_RAW",)),))),
            Grade.GUESS,
        ),
    ],
)
def test_dropping_all_is_safe_only_where_no_process_can_hold_a_capability(
    service: str, image: Image, grade: Grade
) -> None:
    assert grades(answers(service, Known(image=image)), CAPS) == [grade]


@pytest.mark.parametrize("service", ["", "    user: '7'\n"])
def test_a_program_whose_file_has_a_capability_keeps_it_to_start_at_all(service: str) -> None:
    program = FileCapability("/usr/sbin/haproxy", ("NET_BIND_SERVICE",), effective=True)
    never = FileCapability("/usr/bin/tool", ("SYS_ADMIN",), effective=True)
    image = Image("x", files=ImageFiles(capabilities=(program, never)))

    found = lines(answers(service, Known(image=image)), CAPS)

    assert "NET_BIND_SERVICE" in found[1][2]
    assert "SYS_ADMIN" not in found[1][2]
    assert "without NET_BIND_SERVICE /usr/sbin/haproxy does not start" in found[1][3]


def test_whoever_gives_every_capability_takes_that_away_first() -> None:
    privileged, everything = answers("    privileged: true\n"), answers("    cap_add: [ALL]\n")

    assert left(privileged, CAPS) == ["privileged gives them all: take that away first"]
    assert left(everything, CAPS) == ["cap_add: ALL gives them all: take that away first"]


def test_a_root_that_is_read_only_gets_a_tmpfs_where_no_mount_is() -> None:
    known = Known(needs=(NEEDS,))
    both = [("read_only",), ("tmpfs",)]

    assert [path for _, path, *_ in lines(answers("", known), WRITABLE)] == both
    for mount in ("tmpfs: /run", "tmpfs: ['/run/cache']", "volumes: ['data:/run']"):
        found = answers(f"    {mount}\n", known, "volumes: {data: }\n")
        assert [path for _, path, *_ in lines(found, WRITABLE)] == [("read_only",)]
    for mount in (
        "tmpfs: /run/cached",
        "volumes: ['data:/run:ro']",
        "volumes: ['data:/run/cache/a']",
    ):
        found = answers(f"    {mount}\n", known, "volumes: {data: }\n")
        assert [path for _, path, *_ in lines(found, WRITABLE)] == both


def test_an_image_that_writes_to_its_root_or_lacks_its_volume_is_left_as_it_is() -> None:
    writes = Known(needs=(replace(NEEDS, read_only=False),))
    lacks = Known(needs=(replace(NEEDS, volumes=("/data",)),))

    assert left(answers("", writes), WRITABLE) == [f"the image writes to its root: {SOURCE}"]
    assert left(answers("", lacks), WRITABLE) == [f"it needs a volume at /data: {SOURCE}"]


def test_limits_stand_where_the_service_keeps_its_limits() -> None:
    flat, deployed = answers(""), answers("    deploy: {resources: {}}\n")
    rules = ("container-no-pids-limit", "container-no-memory-limit")

    assert [lines(flat, rule)[0][1] for rule in rules] == [("pids_limit",), ("mem_limit",)]
    assert [lines(deployed, rule)[0][1] for rule in rules] == [
        ("deploy", "resources", "limits", "pids"),
        ("deploy", "resources", "limits", "memory"),
    ]


def test_a_user_of_a_profile_is_known_only_without_files_of_another_owner() -> None:
    known = Known(needs=(NEEDS, replace(NEEDS, user="7:7")))

    assert grades(answers("", known), "container-root") == [Grade.KNOWN]
    assert grades(answers("    volumes: ['/srv:/data']\n", known), "container-root") == [
        Grade.GUESS
    ]
    assert grades(answers("    user: '8'\n", known), "container-root") == []


PROXY = "  front:\n    image: traefik:3\n    ports: ['80:80']\n"


@pytest.mark.parametrize(
    ("service", "more", "reason"),
    [
        ("    labels: ['traefik.enable=true']\n", "", "the label traefik.enable lets a proxy"),
        ("    labels: {caddy: a.org}\n", "", "the label caddy lets a proxy"),
        ("    environment: [VIRTUAL_HOST=a]\n", "", "the variable VIRTUAL_HOST lets a proxy"),
        ("", PROXY, "the proxy front reaches it over their network"),
    ],
)
def test_a_port_that_a_proxy_serves_is_bound_to_this_host(
    service: str, more: str, reason: str
) -> None:
    others = "'53:53/udp', '127.0.0.1:1:1', '${P:-1}:2'"
    ports = f"    ports: ['8080:80', {others}, {{target: 3, published: 3}}]\n"

    found = lines(answers(service + ports, Known(), more), OPEN)

    assert [(grade, path, value) for grade, path, value, _ in found] == [
        (Grade.GUESS, ("ports", 0), "127.0.0.1:8080:80"),
        (Grade.GUESS, ("ports", 4, "host_ip"), "127.0.0.1"),
    ]
    assert all(said.startswith(reason) for *_, said in found)


@pytest.mark.parametrize(
    "more", ["", PROXY.replace("traefik", "app"), PROXY + "    networks: [n]\nnetworks: {n: }\n"]
)
def test_a_port_that_no_proxy_reaches_stays(more: str) -> None:
    assert lines(answers("    ports: ['8080:80']\n", Known(), more), OPEN) == []


def test_what_the_files_do_not_decide_is_left_with_the_line_that_is_missing() -> None:
    found = answers("    security_opt: ['${OPTION}']\n    cap_add: ['${CAP}']\n")

    assert left(found, NNP)[0].startswith("security_opt: ")
    assert left(found, CAPS)[0].startswith("cap_add: ")
    assert "/p/compose.yaml:4:" in left(found, NNP)[0]


def test_a_service_of_a_program_on_the_host_gets_nothing() -> None:
    text = "services:\n  web:\n    provider: {type: model}\n"
    project = reading.read(("/p/compose.yaml",), {}, lambda _: text.encode(), env_files=())

    assert list(propose(project, nodes.parse(text, "a"), {}, ["web"])) == []


def test_a_service_of_another_file_is_hardened_there() -> None:
    files = {"/p/a.yaml": "include: [b.yaml]\nservices: {}\n", "/p/b.yaml": "services: {b: {}}\n"}

    def load(path: str) -> bytes:
        if path not in files:
            raise MissingFileError(path, "")
        return files[path].encode()

    project = reading.read(("/p/a.yaml",), {}, load, env_files=())

    assert list(propose(project, nodes.parse(files["/p/a.yaml"], "a"), {}, ["b"])) == [
        Left("b", "", "it is written in /p/b.yaml: harden that file")
    ]
