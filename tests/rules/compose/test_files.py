"""What only compose files say."""

import pytest

from hullward.model.report import Outcome
from hullward.model.severity import Severity
from written import fails, judged, verdicts

BASE = "/srv/shop/base.yaml"
A_HASH = "auth.users=a:$$2y$$05$$abcdefghij"
MYSQL = "mysqladmin --password=hunter2 ping"
BIND = "{type: bind, source: /usr, target: /u, bind: {selinux: Z}}"
ROUTER = "traefik.http.routers.w"
LOOSE = "suid (setuid programs work on it), dev (device nodes work on it)"


def service(*lines: str, name: str = "a") -> str:
    return "\n".join(["services:", f"  {name}:", "    image: x:1", *(f"    {n}" for n in lines)])


def found(text: str, rule: str, **others: str) -> list[tuple[int, str, Severity]]:
    """Give (line, evidence, severity) of what a rule finds."""
    report = judged(text, environment=None, **others)
    return [
        (v.line, v.evidence, v.severity)
        for v in verdicts(report, rule)
        if v.outcome is Outcome.FAIL
    ]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            ["environment:", "  DB_PASSWORD: hunter2"],
            (5, "environment: DB_PASSWORD: a password or key"),
        ),
        (
            ["environment:", "  - DB_PASSWORD=hunter2"],
            (5, "environment: DB_PASSWORD: a password or key"),
        ),
        (
            ["command: redis-server --requirepass hunter2"],
            (4, "command: --requirepass: a password or key"),
        ),
        (["command: [app, --token=hunter2]"], (4, "command: --token: a password or key")),
        (
            ["build: {context: ., args: {NPM_TOKEN: hunter2}}"],
            (4, "build.args: NPM_TOKEN: a password or key"),
        ),
        ([f"labels: ['{A_HASH}']"], (4, "labels: auth.users: the hash of a password")),
        (
            ["healthcheck: {test: " + MYSQL + "}"],
            (4, "healthcheck.test: --password: a password or key"),
        ),
        (
            ["pre_stop: [{command: [x, --token, hunter2]}]"],
            (4, "pre_stop: --token: a password or key"),
        ),
    ],
)
def test_a_secret_is_found_wherever_a_service_holds_it(
    lines: list[str], said: tuple[int, str]
) -> None:
    assert [(n, what) for n, what, _ in found(service(*lines), "compose-literal-secret")] == [said]


def test_the_value_of_a_secret_is_nowhere_in_the_report() -> None:
    text = service(
        "environment: {DB_PASSWORD: hunter2, URL: 'postgres://a:hunter2@db/x'}",
        "command: app --password hunter2",
    )

    assert "hunter2" not in repr(judged(text))


def test_a_form_is_worse_than_a_name() -> None:
    text = service("environment:", "  A: postgres://u:pw@db/x", "  B_TOKEN: abcdef")

    assert [grade for _, _, grade in found(text, "compose-literal-secret")] == [
        Severity.HIGH,
        Severity.MEDIUM,
    ]


def test_a_secret_that_services_share_by_an_anchor_is_told_once() -> None:
    text = (
        "x-env: &env\n  DB_PASSWORD: hunter2\nservices:\n"
        "  a:\n    image: x:1\n    environment: {<<: *env, B: c}\n"
        "  b:\n    image: x:1\n    environment: *env\n"
    )

    assert fails(text, "compose-literal-secret") == [
        ("a", 2, "environment: DB_PASSWORD: a password or key")
    ]


def test_a_config_that_is_written_out_is_searched_for_secrets() -> None:
    text = (
        "services: {a: {image: 'x:1'}}\nconfigs:\n  app:\n    content: |\n"
        "      user = shop\n      db_password = hunter2\n"
    )

    assert fails(text, "compose-literal-secret") == [
        ("project", 4, "configs: app: a password or key")
    ]


def test_an_env_file_is_told_and_that_of_compose_is_worse() -> None:
    text = service("env_file: [.env, web.env]")
    report = found(text, "compose-env-file", _env="A=b\n", web_env="C=d\n")

    assert [grade for _, _, grade in report] == [Severity.LOW, Severity.INFO]


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("x:1.2", ["image x:1.2"]),
        ("registry:5000/x:1.2", ["image registry:5000/x:1.2"]),
        ("x:1.2@sha256:" + "a" * 64, []),
        ("x", []),
        ("registry:5000/x", []),
    ],
)
def test_a_tag_without_digest_is_told_once(image: str, said: list[str]) -> None:
    text = f"services:\n  a:\n    image: {image}\n"
    report = fails(text, "compose-image-no-digest", "container-floating-image")

    assert [evidence for _, _, evidence in report] == (
        said or [f"image {image}"] * ("@" not in image)
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("/scratch:exec", [("tmpfs /scratch: exec (programs can be run from it)", Severity.LOW)]),
        ("/scratch:suid,dev", [(f"tmpfs /scratch: {LOOSE}", Severity.MEDIUM)]),
        ("/scratch:exec,noexec", []),
        ("/scratch:size=1m,mode=1777", []),
        ("/scratch", []),
    ],
)
def test_a_tmpfs_that_is_loosened_is_found(options: str, said: list[tuple[str, Severity]]) -> None:
    report = found(service(f"tmpfs: {options}"), "compose-tmpfs-loosened")

    assert [(evidence, grade) for _, evidence, grade in report] == said


def test_a_hook_with_more_than_its_service_is_found() -> None:
    text = service(
        "user: '1000'",
        "post_start:",
        "  - command: a",
        "    privileged: true",
        "  - command: b",
        "    user: root",
        "pre_stop:",
        "  - command: c",
    )

    assert found(text, "compose-privileged-hook") == [
        (6, "post_start runs privileged", Severity.HIGH),
        (8, "post_start runs as root, and the service as 1000", Severity.MEDIUM),
    ]


@pytest.mark.parametrize(
    ("line", "rule", "evidence"),
    [
        ("use_api_socket: true", "compose-api-socket", "use_api_socket is true"),
        ("runtime: mine", "compose-runtime", "runtime is mine"),
        ("oom_kill_disable: true", "compose-oom-kill-disabled", "oom_kill_disable is true"),
        (
            "oom_score_adj: -1",
            "compose-spared-by-oom",
            "oom_score_adj is -1, and memory is not limited",
        ),
        ("extra_hosts: [h:host-gateway]", "compose-host-gateway", "extra_hosts: h:host-gateway"),
        ("extra_hosts: {h: host-gateway}", "compose-host-gateway", "extra_hosts: h=host-gateway"),
        ("volumes: [/home:/home:z]", "compose-relabel", "/home is relabelled"),
        (f"volumes: [{BIND}]", "compose-relabel", "/usr is relabelled"),
        (
            f"labels: [{ROUTER}.rule=Host(`a`)]",
            "compose-proxy-no-middleware",
            "router w has no middlewares",
        ),
        ("develop: {watch: []}", "compose-develop", "develop is set"),
        (
            "build: {context: ., privileged: true}",
            "compose-build-privileged",
            "build.privileged is true",
        ),
        (
            "build: {context: ., network: host}",
            "compose-build-host-network",
            "build.network is host",
        ),
        ("build: {context: ., ssh: [default]}", "compose-build-ssh", "build.ssh forwards default"),
        (
            "build: https://a:b@h/x.git#main",
            "compose-build-remote",
            "context https://…@h/x.git#main names no commit",
        ),
        (
            "build: http://h/x.tar",
            "compose-build-remote",
            "context http://h/x.tar comes without encryption",
        ),
    ],
)
def test_a_line_of_a_service_is_found(line: str, rule: str, evidence: str) -> None:
    assert [(n, said) for n, said, _ in found(service(line), rule)] == [(4, evidence)]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("use_api_socket: false", "compose-api-socket"),
        ("runtime: runsc", "compose-runtime"),
        ("runtime: nvidia", "compose-runtime"),
        ("oom_score_adj: 100", "compose-spared-by-oom"),
        ("extra_hosts: ['h:10.0.0.1']", "compose-host-gateway"),
        ("volumes: [/home/a/data:/data:z]", "compose-relabel"),
        ("volumes: [/etc/localtime:/etc/localtime:ro]", "compose-relabel"),
        (f"labels: [{ROUTER}.rule=a, {ROUTER}.middlewares=auth]", "compose-proxy-no-middleware"),
        ("build: .", "compose-build-privileged"),
        ("build: .", "compose-build-remote"),
        (f"build: https://h/x.git#{'a' * 40}", "compose-build-remote"),
        ("environment: [DB_PASSWORD]", "compose-literal-secret"),
        ("environment: {DB_PASSWORD: '${DB_PASSWORD:?}'}", "compose-literal-secret"),
    ],
)
def test_what_is_in_order_is_not_found(line: str, rule: str) -> None:
    assert found(service(line), rule) == []


def test_a_provider_is_a_program_of_the_host() -> None:
    text = "services:\n  m:\n    provider: {type: model}\n"

    assert fails(text, "compose-provider") == [
        ("m", 3, "provider: docker compose up runs model on the host")
    ]


def test_a_privilege_by_extends_names_where_it_is_written() -> None:
    text = service("extends: {file: base.yaml, service: b}")
    base = "services:\n  b:\n    image: y:1\n    privileged: true\n    network_mode: host\n"

    assert found(text, "compose-extended-privilege", base_yaml=base) == [
        (2, f"privileged: true comes from {BASE}:4:5, by extends: base.yaml:b", Severity.LOW),
        (2, f"network_mode: host comes from {BASE}:5:5, by extends: base.yaml:b", Severity.LOW),
    ]
    (privileged,) = (
        v for v in verdicts(judged(text, environment=None, base_yaml=base), "container-privileged")
    )
    assert (privileged.file, privileged.line) == (BASE, 4)


def test_a_privilege_of_its_own_is_none_by_extends() -> None:
    text = (
        "services:\n  b:\n    image: x:1\n  a:\n    extends: b\n    privileged: true\n"
        "  c:\n    extends: a\n"
    )

    assert fails(text, "compose-extended-privilege") == [
        ("c", 7, "privileged: true comes from /srv/shop/compose.yaml:6:5, by extends: a → b")
    ]


def test_a_volume_with_several_writers_is_shared() -> None:
    text = (
        "services:\n  a: {image: 'x:1', volumes: ['data:/d']}\n"
        "  b: {image: 'x:1', volumes: ['data:/d']}\n  c: {image: 'x:1', volumes: ['data:/d:ro']}\n"
        "  d: {image: 'x:1', volumes: ['own:/d']}\nvolumes: {data: {}, own: {}}\n"
    )

    assert fails(text, "compose-shared-volume") == [("a", 2, "a, b write to the volume data")]


def test_a_front_on_one_network_with_all_others_is_told() -> None:
    flat = (
        "services:\n  web: {image: 'x:1', ports: ['80:80']}\n  db: {image: 'x:1'}\n"
        "  cache: {image: 'x:1'}\n"
    )
    apart = flat.replace("cache: {image: 'x:1'}", "cache: {image: 'x:1', networks: [b]}")

    assert fails(flat, "compose-one-network") == [
        ("web", 2, "3 services share the network default; outside: web")
    ]
    assert fails(f"{apart}networks: {{b: {{}}}}\n", "compose-one-network") == []


def test_members_of_a_network_without_icc_do_not_reach_each_other() -> None:
    text = (
        "services:\n  web: {image: 'x:1', ports: ['80:80']}\n  db: {image: 'x:1'}\n"
        "  cache: {image: 'x:1'}\nnetworks:\n  default:\n    driver_opts:\n"
        "      com.docker.network.bridge.enable_icc: 'false'\n"
    )

    assert fails(text, "compose-one-network") == []
    assert fails(text.replace("'false'", "'true'"), "compose-one-network") != []


def test_a_network_of_quiet_services_could_be_internal() -> None:
    text = (
        "services:\n  a: {image: 'x:1', networks: [n]}\n  b: {image: 'x:1', networks: [n]}\n"
        "networks:\n  n: {}\n"
    )

    assert fails(text, "compose-network-not-internal") == [
        ("a", 5, "network n lets a, b out, and nothing there is published")
    ]
    assert fails(text.replace("n: {}", "n: {internal: true}"), "compose-network-not-internal") == []


def test_what_was_not_read_is_unknown_with_its_line() -> None:
    text = "include:\n  - https://example.org/x.yaml\nservices: {a: {image: 'x:1'}}\n"
    (gap,) = verdicts(judged(text), "compose-incomplete")

    assert (gap.outcome, gap.line) == (Outcome.UNKNOWN, 2)


def test_mounts_by_volumes_from_are_told() -> None:
    text = "services:\n  a: {image: 'x:1'}\n  b:\n    image: x:1\n    volumes_from: [a]\n"

    assert fails(text, "compose-volumes-from") == [("b", 5, "volumes_from is set")]


def test_a_secret_of_a_variable_is_told() -> None:
    text = "services: {a: {image: 'x:1'}}\nsecrets:\n  s: {environment: S}\n  t: {file: ./t}\n"

    assert fails(text, "compose-environment-secret") == [
        ("project", 3, "the secret s is made of a variable")
    ]


def test_a_built_service_is_judged_with_its_dockerfile() -> None:
    text = "services:\n  a:\n    build: .\n  b:\n    build: .\n    user: '7'\n"
    dockerfile = "FROM debian:12\nUSER 0\n"

    assert fails(text, "container-root", "dockerfile-root", Dockerfile=dockerfile) == [
        ("a", 2, "user is '0': uid 0"),
        ("a", 2, "USER 0: uid 0"),
    ]
    assert fails(text, "container-root", Dockerfile="FROM debian:12\nUSER 9\n") == []


def test_an_image_by_a_variable_is_unknown() -> None:
    (found,) = verdicts(judged("services:\n  a:\n    image: x:${TAG}\n"), "compose-image-no-digest")

    assert (found.outcome, found.line) == (Outcome.UNKNOWN, 3)


def test_devices_and_capabilities_by_extends_are_told() -> None:
    text = service("extends: {file: base.yaml, service: b}")
    base = "services: {b: {image: 'y:1', cap_add: [NET_ADMIN], devices: [/dev/kvm]}}\n"
    said = [
        what.split(" comes")[0]
        for _, what, _ in found(text, "compose-extended-privilege", base_yaml=base)
    ]

    assert said == ["cap_add: NET_ADMIN", "the device /dev/kvm"]
