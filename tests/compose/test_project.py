"""Compose files as facts with places, gaps and reasons."""

import re
from collections.abc import Mapping

import pytest

from hullward.compose import project
from hullward.compose.model import MissingFileError, Place, Project, Service, Unresolved
from hullward.model.errors import HullwardError

FILE = "/p/compose.yaml"


def read(
    text: str,
    files: Mapping[str, str | bytes] | None = None,
    variables: Mapping[str, str] | None = None,
    **options: object,
) -> Project:
    """Read a file of this text; `files` are others that are there."""
    there = {FILE: text, **(files or {})}

    def load(path: str) -> bytes:
        if path not in there:
            raise MissingFileError(f"{path} is not there", "Write it.")
        content = there[path]
        return content if isinstance(content, bytes) else content.encode()

    more = [path for path in there if "override" in path]
    return project.read([FILE, *more], variables or {}, load, **options)  # type: ignore[arg-type]


def service(text: str, files: Mapping[str, str | bytes] | None = None, **shell: str) -> Service:
    """Give the first service."""
    return read(text, files, shell).services[0]


def one(settings: str) -> Service:
    """Give a service with these settings."""
    return service("services:\n  a:\n    image: i\n" + settings)


def at(line: int, column: int, file: str = FILE) -> Place:
    return Place(file, line, column)


def test_each_fact_has_the_place_where_it_is_written() -> None:
    found = one("    cap_add:\n      - NET_ADMIN\n      - SYS_TIME\n    privileged: true\n")

    assert found.place == at(2, 3)
    assert found.places["cap_add"] == at(4, 5)
    assert found.places["cap_add[1]"] == at(6, 9)
    assert found.places["privileged"] == at(7, 5)
    assert "user" not in found.places


def test_a_fact_of_an_anchor_has_the_place_of_the_anchor() -> None:
    found = service("x-a: &a\n  pid: host\nservices:\n  a:\n    <<: *a\n    image: i\n")

    assert found.container.pid_mode == "host"
    assert found.places["pid_mode"] == at(2, 3)


def test_a_fact_of_another_file_has_its_place_there() -> None:
    found = service(
        "services:\n  a:\n    extends: {file: x/b.yaml, service: s}\n",
        {"/p/x/b.yaml": "services:\n  s:\n    image: i\n    volumes:\n    - ./d:/d\n"},
    )

    assert found.container.mounts[0].source == "/p/x/d"
    assert found.places["mounts[0]"] == at(5, 7, "/p/x/b.yaml")
    assert found.extends == ("x/b.yaml:s",)


def test_mounts_have_their_places_in_the_order_of_the_field() -> None:
    found = one("    volumes:\n    - vol:/z\n    - ./b:/b\n    - ./a:/a\n    tmpfs: /t\n")

    assert [mount.target for mount in found.container.mounts] == ["/a", "/b", "/z"]
    assert [found.places[f"mounts[{i}]"].line for i in range(3)] == [7, 6, 5]
    assert found.tmpfs[0].place == at(8, 12)


def test_the_limit_that_wins_has_the_place() -> None:
    found = one("    deploy:\n      resources:\n        limits:\n          memory: 5m\n")

    assert found.container.memory == 5 * 2**20
    assert found.places["memory"] == at(7, 11)


def test_a_variable_that_is_not_set_is_unresolved_with_its_line() -> None:
    found = one("    user: ${WHO}\n    privileged: ${P}\n    ports:\n    - ${PORT}:80\n")

    gap = Unresolved("the variable WHO is not set", at(4, 11), "variable")
    assert found.unresolved["user"] == found.unresolved["uid"] == gap
    assert found.container.uid is None
    assert found.unresolved["privileged"].place == at(5, 17)
    assert found.unresolved["wished_ports"].place == at(7, 7)


def test_a_variable_of_the_shell_wins_over_env_files() -> None:
    text = "services:\n  a: {image: '${A}${B}${C}'}\n"
    files = {"/p/.env": "A=env\nB=env\nC=env", "/p/one": "B=one\nA=one", "/p/two": "B=two"}

    assert service(text, files, A="shell").container.image == "shellenvenv"
    whole = read(text, files, {"A": "shell"}, env_files=["/p/one", "/p/two"])
    assert whole.services[0].container.image == "shelltwo"
    assert whole.services[0].unresolved["image"].reason == "the variable C is not set"


def test_a_demand_that_is_not_met_gives_its_reason() -> None:
    found = service("services:\n  a: {image: '${TAG:?name a tag}'}\n")

    assert found.unresolved["image"].reason == "the variable TAG is not set: name a tag"


def test_what_only_the_image_decides_says_so() -> None:
    found = one("")

    causes = {field: gap.cause for field, gap in found.unresolved.items()}
    assert causes == dict.fromkeys(("user", "uid", "program", "health"), "image")


def test_the_defaults_are_those_of_the_engine() -> None:
    container = one("").container

    assert (container.network_mode, container.networks) == ("p_default", ("p_default",))
    assert (container.ipc_mode, container.cgroupns_mode) == ("private", "private")
    assert (container.restart, container.state) == ("no", "created")
    assert container.masked_paths is container.readonly_paths is None
    assert container.name == "p-a-1"


def test_the_labels_of_compose_are_those_of_a_running_container() -> None:
    assert one("").container.labels == {
        "com.docker.compose.project": "p",
        "com.docker.compose.project.config_files": FILE,
        "com.docker.compose.project.working_dir": "/p",
        "com.docker.compose.service": "a",
    }


@pytest.mark.parametrize(
    ("address", "cause", "reason"),
    [
        ("https://u:secret@example.com/x.git", "remote", "https://…@example.com/x.git:b"),
        ("oci://example.com/x", "remote", "oci://example.com/x:b"),
        ("./none.yaml", "file", "./none.yaml:b"),
        ("${DIR}/x.yaml", "variable", "the variable DIR is not set"),
    ],
)
def test_what_a_service_extends_elsewhere_is_unknown(address: str, cause: str, reason: str) -> None:
    found = service(
        f"services:\n  a:\n    extends: {{file: '{address}', service: b}}\n    pid: host\n"
    )

    gap = found.unresolved["*"]
    assert (gap.cause, gap.place) == (cause, at(3, 14))
    assert reason in gap.reason
    assert found.container.pid_mode == "host"


@pytest.mark.parametrize("address", ["oci://example.com/x", "./none.yaml", "${X}", "git@h:x.git"])
def test_an_include_that_cannot_be_followed_is_a_problem(address: str) -> None:
    whole = read(f"include: ['{address}']\nservices:\n  a: {{image: i}}\n")

    assert [problem.place for problem in whole.problems] == [at(1, 11)]
    assert "not followed" in whole.problems[0].what
    assert len(whole.services) == 1


def test_a_missing_env_file_leaves_the_environment_unknown() -> None:
    found = one("    environment: [A=1]\n    env_file: none.env\n")

    assert found.container.environment == ("A",)
    assert found.unresolved["environment"] == Unresolved(
        "/p/none.env is not there", at(5, 15), "file"
    )


def test_variables_have_their_origin_and_no_value() -> None:
    found = service(
        "services:\n  a:\n    image: i\n    env_file: e\n    environment:\n"
        "      A: literal\n      B: ${X}\n      C: ${X:-secret}\n      D:\n",
        {"/p/e": "A=1\nE=hidden\n"},
    )

    assert {v.name: v.origin for v in found.environment} == {
        "A": "literal",
        "B": "variable",
        "C": "default",
        "D": "passed",
        "E": "env_file",
    }
    assert "hidden" not in repr(found) and "secret" not in repr(found)  # noqa: PT018 - one fact
    assert "environment" not in found.unresolved


def test_an_argument_of_a_build_that_is_not_known_has_no_value() -> None:
    found = service(
        "services:\n  a:\n    build:\n      context: ./d\n"
        "      args: {A: '1', B: '${NONE}', C: , D: }\n",
        D="shell",
    )

    assert found.build is not None
    assert found.build.arguments == {"A": "1", "B": None, "C": None, "D": "shell"}
    assert (found.build.context, found.build.dockerfile) == ("/p/d", "/p/d/Dockerfile")
    assert found.container.image == "p-a"


def test_a_seccomp_profile_is_opened() -> None:
    text = "services:\n  a: {image: i, security_opt: ['seccomp=./s.json']}\n"
    allowed = service(text, {"/p/s.json": '{"defaultAction": "SCMP_ACT_ALLOW"}'})

    assert allowed.container.security_opt == ("seccomp=custom",)
    assert allowed.container.seccomp_default_action == "SCMP_ACT_ALLOW"
    assert service(text).unresolved["seccomp_default_action"].cause == "file"


def test_systempaths_unconfined_empties_the_lists() -> None:
    container = one("    security_opt: [systempaths=unconfined]\n").container

    assert container.masked_paths == container.readonly_paths == ()
    assert container.security_opt == ()


def test_profiles_say_which_services_are_active() -> None:
    text = "services:\n  a: {image: i}\n  b: {image: i, profiles: [x]}\n"

    def active(**options: object) -> list[bool]:
        return [s.active for s in read(text, **options).services]  # type: ignore[arg-type]

    assert active() == [True, False]
    assert active(profiles=["x"]) == active(profiles=["*"]) == [True, True]
    assert active(variables={"COMPOSE_PROFILES": "y,x"}) == [True, True]


@pytest.mark.parametrize(
    ("name", "shell", "expected"),
    [
        ("name: My.Shop", {}, "myshop"),
        ("name: ${N:-n}", {}, "n"),
        ("x-a: 1", {}, "p"),
        ("name: n", {"COMPOSE_PROJECT_NAME": "c"}, "c"),
    ],
)
def test_a_project_has_the_name_that_compose_gives_it(
    name: str, shell: dict[str, str], expected: str
) -> None:
    assert read(f"{name}\nservices:\n  a: {{image: i}}\n", variables=shell).name == expected


def test_the_file_of_a_folder_is_chosen_with_its_override() -> None:
    names = {"docker-compose.yml", "compose.yaml", "compose.override.yml", "other"}

    assert project.chosen(names) == ("compose.yaml", "compose.override.yml")
    assert project.chosen({"docker-compose.yml"}) == ("docker-compose.yml",)
    assert project.chosen({"compose.override.yml"}) == ()


@pytest.mark.parametrize(
    ("text", "kind", "place"),
    [
        ("#@ load('@ytt:data', 'data')\nservices: {}\n", "ytt", "1:1"),
        ("services:\n  #@ if data.values.x:\n  a: {}\n  #@ end\n", "ytt", "2:3"),
        ("services:\n  a:\n    image: #@ data.values.image\n", "ytt", "3:5"),
        ("services:\n{% for s in all %}\n  a: {}\n{% endfor %}\n", "jinja", "2:1"),
        ("services:\n  a:\n    image: {{ image }}\n", "jinja", "3:12"),
        ("services:\n  {{- if .Values.x }}\n  a: {image: i}\n", "helm", "2:3"),
        ("services:\n  a:\n    image: {{ .Env.IMAGE }}:1\n", "gomplate", "3:12"),
    ],
)
def test_a_template_is_refused_with_its_kind(text: str, kind: str, place: str) -> None:
    with pytest.raises(HullwardError, match=rf"{FILE}:{place}: a template \(.*{kind}"):
        read(text)


def test_an_expression_of_a_template_leaves_its_fact_unknown() -> None:
    found = service(
        "services:\n  a:\n    image: '{{ image }}'\n"
        "    logging: {driver: syslog, options: {tag: '{{.Name}}'}}\n"
    )

    assert found.unresolved["image"].cause == "variable"
    assert "log_driver" not in found.unresolved


def test_a_value_that_compose_refuses_is_a_problem_and_unknown() -> None:
    whole = read(
        "services:\n  a:\n    image: i\n    privileged: perhaps\n    ports: ['x:y']\n"
        "    volumes: ['gone:/d', 'one:/two:ro:four']\n    pids_limit: many\n"
        "    network_mode: service:z\n"
    )
    (found,) = whole.services

    fields = {field for field, gap in found.unresolved.items() if gap.cause == "value"}
    assert fields == {"privileged", "wished_ports", "mounts", "pids", "network_mode", "networks"}
    assert len(whole.problems) == 6


@pytest.mark.parametrize(
    ("text", "files", "what"),
    [
        ("- a\n", {}, "1:1: a compose file is a mapping"),
        ("just text\n", {}, "1:1: a compose file is a mapping"),
        ("# k\napiVersion: v1\nkind: Pod\n", {}, "2:1: apiVersion is not known to compose"),
        ("services: [a]\n", {}, "1:11: services is a mapping"),
        ("include: x\n", {}, "1:10: include is a list"),
        ("services:\n  a: {image: '${'}\n", {}, "2:14: a name must follow"),
        ("services:\n  a: {extends: a}\n", {}, "2:16: the service a extends itself"),
        (
            "services:\n  a: {extends: b}\n  b: {extends: a}\n",
            {},
            "2:16: the service a extends itself",
        ),
        ("services:\n  a: {extends: z}\n", {}, "2:16: there is no service z"),
        ("services:\n  a: {extends: {}}\n", {}, "2:16: extends needs the name"),
        ("include: [compose.yaml]\n", {}, "1:11: /p/compose.yaml includes itself"),
        (
            "include: [b.yaml]\n",
            {"/p/b.yaml": "include: [compose.yaml]\n"},
            "/p/b.yaml:1:11: /p/compose.yaml includes itself",
        ),
        ("services:\n  ? [a]\n  : b\n", {}, "2:5: a name must be a text"),
        ("a: &a x\nservices:\n  a: {<<: *a}\n", {}, "3:11: << takes mappings only"),
        (
            "services:\n  a: {image: i, ports: []}\n",
            {"/p/override.yaml": "services:\n  a: {ports: {a: b}}\n"},
            "/p/override.yaml:2:14: services.*.ports is a list",
        ),
    ],
)
def test_what_is_no_compose_file_is_refused_with_its_place(
    text: str, files: dict[str, str], what: str
) -> None:
    with pytest.raises(HullwardError, match=re.escape(what)):
        read(text, files)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("services: {}\n".encode("utf-16"), "1:1: the file is in UTF-16"),
        (b"a: 1\nb: \0", "2:4: a NUL byte"),
        (b"a: \xc3\xa9\nb: x\xff", "2:5: bytes that are no UTF-8"),
        (b"#" * 100_000_000, "bytes are no compose file"),
    ],
)
def test_bytes_that_are_no_text_are_refused_with_their_place(content: bytes, what: str) -> None:
    with pytest.raises(HullwardError, match=what):
        read("include: [x.yaml]\n", {"/p/x.yaml": content})


def bomb_of_includes() -> tuple[str, dict[str, str]]:
    files = {
        f"/p/{n}.yaml": f"include: [{n + 1}.yaml, {{path: {n + 1}.yaml}}]\n" for n in range(30)
    }
    return "include: [0.yaml]\n", {**files, "/p/30.yaml": "x-a: 1\n"}


def bomb_of_extends() -> tuple[str, dict[str, str]]:
    ports = ", ".join(f"'{n}:{n}'" for n in range(1, 2000))
    more = "".join(f"  s{n}: {{extends: base}}\n" for n in range(1000))
    return f"services:\n  base: {{image: i, ports: [{ports}]}}\n{more}", {}


def bomb_of_ports() -> tuple[str, dict[str, str]]:
    ports = ", ".join(f"'127.0.0.{n}:1-65535:1-65535'" for n in range(1, 200))
    return f"services:\n  a: {{image: i, ports: [{ports}]}}\n", {}


def bomb_of_variables() -> tuple[str, dict[str, str]]:
    env = "A0=xxxxxxxxxx\n" + "".join(f"A{n}=${{A{n - 1}}}${{A{n - 1}}}\n" for n in range(1, 60))
    return "services: {}\n", {"/p/.env": env}


def bomb_of_values() -> tuple[str, dict[str, str]]:
    many = ", ".join(["$V"] * 5000)
    return f"x-a: [{many}]\nservices: {{}}\n", {"/p/.env": "V=" + "x" * 90_000}


@pytest.mark.parametrize(
    "bomb",
    [bomb_of_includes, bomb_of_extends, bomb_of_ports, bomb_of_variables, bomb_of_values],
    ids=lambda bomb: bomb.__name__,
)
def test_what_repeats_itself_without_end_is_refused(bomb: object) -> None:
    text, files = bomb()  # type: ignore[operator]

    with pytest.raises(HullwardError, match=r"stand for more|make more than"):
        read(text, files)


def test_a_name_that_compose_does_not_know_is_a_problem() -> None:
    whole = read("services:\n  a: {image: i, priviledged: true, x-a: 1}\nvolume: {}\nx-b: 1\n")

    assert [(p.what, p.place) for p in whole.problems] == [
        ("volume is not known to compose", at(3, 1)),
        ("service a: priviledged is not known to compose", at(2, 17)),
    ]


def test_a_file_that_holds_nothing_is_a_problem() -> None:
    assert [p.place for p in read("# later\n").problems] == [at(1, 1)]


def test_no_file_is_no_project() -> None:
    with pytest.raises(HullwardError, match="no compose file was named"):
        project.read([], {}, lambda _: b"")
