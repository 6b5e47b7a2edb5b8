import json
from typing import Any

import pytest

from builders import Facts, best, engine, process, snapshot
from hullward import __version__
from hullward.model import capabilities
from hullward.model.facts import Container, Listener, Mount, Port
from hullward.report.json_report import render
from scenes import audited, shop

# design.md, "JSON contract".
REPORT_KEYS = {"schema_version", "hullward", "collected_at", "hosts", "summary"}
HOST_KEYS = {"target", "engine", "error", "containers", "verdicts"}
CONTAINER_KEYS = {
    "name", "id", "image", "state", "user", "privileged", "network_mode", "cap_add", "cap_drop",
    "security_opt", "bind_mounts", "ports", "capabilities", "no_new_privileges", "seccomp", "uids",
    "well_behaved", "reasons",
}  # fmt: skip
VERDICT_KEYS = {
    "rule", "severity", "verdict", "subject", "evidence", "reason", "remedy", "references",
}  # fmt: skip


def loaded() -> Any:  # noqa: ANN401 - what JSON holds
    return json.loads(render(audited(shop())))


def described(**facts: Any) -> Any:  # noqa: ANN401 - what JSON holds
    host = facts.pop("host", {})
    report = audited(snapshot(Container("web", **facts), **host))
    return json.loads(render(report))["hosts"][0]["containers"][0]


def test_every_key_of_the_contract_is_there() -> None:
    report = loaded()

    assert report.keys() >= REPORT_KEYS
    for host in report["hosts"]:
        assert host.keys() >= HOST_KEYS
        for container in host["containers"]:
            assert container.keys() >= CONTAINER_KEYS
        for verdict in host["verdicts"]:
            assert verdict.keys() == VERDICT_KEYS


def test_all_containers_have_the_same_keys_read_or_not() -> None:
    containers = loaded()["hosts"][0]["containers"]

    assert len({tuple(sorted(container)) for container in containers}) == 1


def test_the_words_are_those_of_the_contract() -> None:
    report = loaded()
    verdicts = [verdict for host in report["hosts"] for verdict in host["verdicts"]]

    assert report["schema_version"] == "1"
    assert report["hullward"] == __version__
    assert report["collected_at"] == "2026-11-01T00:00:01Z"
    assert {v["verdict"] for v in verdicts} == {"pass", "fail", "unknown", "waived"}
    assert {v["severity"] for v in verdicts} == {"critical", "high", "medium", "low", "info"}
    assert {c["well_behaved"] for c in report["hosts"][0]["containers"]} == {"yes", "no", "unknown"}


def test_the_summary_counts_fails_by_severity_and_the_rest_by_name() -> None:
    report = loaded()
    verdicts = [verdict for host in report["hosts"] for verdict in host["verdicts"]]
    fails = [v["severity"] for v in verdicts if v["verdict"] == "fail"]
    others = [v["verdict"] for v in verdicts if v["verdict"] != "fail"]

    assert report["summary"] == {
        **{name: fails.count(name) for name in ("critical", "high", "medium", "low", "info")},
        **{name: others.count(name) for name in ("pass", "unknown", "broken", "waived")},
    }


def test_the_text_is_ascii_and_ends_with_a_line_break() -> None:
    text = render(audited(snapshot(Container("weiß\u202e\x7f\x1b"))))

    assert text.isascii()
    assert text.endswith("}\n")
    assert not {char for char in text if not char.isprintable()} - {"\n"}
    assert json.loads(text)["hosts"][0]["containers"][0]["name"] == "weiß\u202e\x7f\x1b"


def test_an_unreachable_host_has_its_error_and_no_container() -> None:
    assert loaded()["hosts"][1] == {
        "target": "ssh://away",
        "collected_at": None,
        "engine": None,
        "error": "ssh: connection refused",
        "containers": [],
        "verdicts": [],
    }


def test_a_container_that_was_not_read_is_null_but_for_what_is_known() -> None:
    (lost,) = [c for c in loaded()["hosts"][0]["containers"] if c["name"] == "lost"]

    known = {key: value for key, value in lost.items() if value is not None}
    assert known == {
        "name": "lost",
        "id": "7" * 64,
        "well_behaved": "unknown",
        "reasons": ["the engine answered 500"],
    }


def test_a_model_citizen_is_described_in_full() -> None:
    report = json.loads(render(audited(snapshot(best()))))

    assert report["hosts"][0]["engine"] == {"version": "29.6.0", "api": "1.51"}
    assert report["hosts"][0]["containers"] == [
        {
            "name": "best",
            "id": "b" * 64,
            "image": "registry.example/best:1.2@sha256:" + "1" * 64,
            "state": "running",
            "user": "1000:1000",
            "uid": 1000,
            "privileged": False,
            "network_mode": "shop_default",
            "pid_mode": "",
            "cap_add": [],
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "read_only": True,
            "bind_mounts": [],
            "ports": [],
            "listeners": [],
            "capabilities": {
                "declared": [],
                "kernel": {"effective": [], "permitted": [], "bounding": []},
            },
            "no_new_privileges": True,
            "seccomp": "default",
            "uids": [1000],
            "processes": [
                {
                    "pid": pid,
                    "name": "server",
                    "uids": [1000, 1000, 1000, 1000],
                    "effective": [],
                    "no_new_privileges": True,
                    "seccomp": 2,
                }
                for pid in (100, 101)
            ],
            "well_behaved": "yes",
            "reasons": [],
        }
    ]


def test_capabilities_are_sorted_and_without_their_prefix() -> None:
    container = described(
        cap_add=("CAP_SYS_TIME", "bpf"), cap_drop=("NET_RAW",), processes=(process(),)
    )

    declared = sorted(capabilities.DEFAULT - {"NET_RAW"} | {"SYS_TIME", "BPF"})
    assert container["cap_add"] == ["BPF", "SYS_TIME"]
    assert container["capabilities"]["declared"] == declared
    assert container["capabilities"]["kernel"] == dict.fromkeys(
        ("effective", "permitted", "bounding"), sorted(capabilities.DEFAULT)
    )


def test_what_the_kernel_was_not_asked_is_null() -> None:
    container = described()

    assert container["capabilities"]["kernel"] is None
    assert container["uids"] is None
    assert container["processes"] is None


@pytest.mark.parametrize(
    ("facts", "options", "seccomp"),
    [
        ({}, ("name=seccomp,profile=builtin",), "default"),
        ({"security_opt": ("seccomp=builtin",)}, ("name=seccomp,profile=builtin",), "default"),
        ({"security_opt": ("seccomp=custom",)}, ("name=seccomp,profile=builtin",), "custom"),
        ({"security_opt": ("seccomp=unconfined",)}, None, "unconfined"),
        ({"privileged": True}, ("name=seccomp,profile=builtin",), "unconfined"),
        ({"processes": (process(seccomp=0),)}, ("name=seccomp,profile=builtin",), "unconfined"),
        ({}, ("name=seccomp,profile=unconfined",), "unconfined"),
        ({}, ("name=seccomp,profile=/etc/docker/seccomp.json",), "custom"),
        ({}, (), "unconfined"),
        ({}, None, None),
    ],
)
def test_seccomp_names_the_profile(
    facts: Facts, options: tuple[str, ...] | None, seccomp: str | None
) -> None:
    host = {"engine": engine(security_options=options)}

    assert described(**facts, host=host)["seccomp"] == seccomp


@pytest.mark.parametrize(
    ("facts", "options", "expected"),
    [
        ({}, (), False),
        ({"security_opt": ("no-new-privileges",)}, (), True),
        ({}, None, None),
        ({"processes": (process(no_new_privileges=True),)}, None, True),
        ({"processes": (process(no_new_privileges=True), process())}, None, False),
    ],
)
def test_no_new_privileges_is_the_kernels_word_before_the_settings(
    facts: Facts, options: tuple[str, ...] | None, *, expected: bool | None
) -> None:
    host = {"engine": engine(security_options=options)}

    assert described(**facts, host=host)["no_new_privileges"] is expected


def test_binds_and_ports_are_written_as_docker_writes_them() -> None:
    container = described(
        mounts=(
            Mount("bind", "/dst", "/src", writable=False),
            Mount("volume", "/etc", "/etc", volume="hidden"),
            Mount("volume", "/data", "", volume="data"),
        ),
        ports=(Port(80, "tcp", "127.0.0.1", 8888),),
        wished_ports=(Port(81),),
    )

    assert container["bind_mounts"] == ["/src:/dst:ro", "/etc:/etc"]
    assert container["ports"] == ["127.0.0.1:8888->80/tcp"]


@pytest.mark.parametrize(
    ("facts", "listeners"),
    [
        ({}, []),
        ({"network_mode": "host"}, None),
        ({"network_mode": "host", "listeners": (Listener("::1", 25),)}, ["[::1]:25/tcp"]),
    ],
)
def test_listeners_are_null_where_nobody_could_look(
    facts: Facts, listeners: list[str] | None
) -> None:
    assert described(**facts)["listeners"] == listeners
