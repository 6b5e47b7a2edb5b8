"""Compose files for tests: read from texts in memory, judged, and asked one rule at a time."""

from collections.abc import Mapping
from datetime import date

from hullward import judge_compose
from hullward.compose import built, comments, nodes
from hullward.compose import project as reading
from hullward.compose.model import Build, MissingFileError, Project
from hullward.judge_compose import Written
from hullward.model.recipe import Recipe
from hullward.model.report import HostReport, Located, Outcome
from hullward.model.rule import Unknown
from hullward.model.waiver import Waiver
from hullward.rules import ALL
from hullward.rules.compose.rule import Document

FILE = "/srv/shop/compose.yaml"
TODAY = date(2026, 11, 1)


def project(
    text: str, environment: Mapping[str, str] | None = None, **others: str
) -> tuple[Project, dict[str, str]]:
    """Read a compose file; `others` are files beside it, `base_yaml` for base.yaml."""
    texts = {FILE: text}
    texts |= {f"/srv/shop/{name.replace('_', '.')}": other for name, other in others.items()}

    def load(path: str) -> bytes:
        if path not in texts:
            raise MissingFileError(f"{path} cannot be read: no such file.", "Check the path.")
        return texts[path].encode()

    return reading.read((FILE,), environment or {}, load), texts


def written(text: str, environment: Mapping[str, str] | None = None, **others: str) -> Written:
    """Read a compose file as `hullward compose check` does."""
    found, texts = project(text, environment, **others)
    roots = {path: nodes.documents(texts[path], path) for path in found.files}
    recipes = {s.name: _recipe(s.build, texts) for s in found.services if s.build}
    return Written(
        FILE,
        built.completed(found, recipes),
        tuple(Document(path, root) for path, some in roots.items() for root in some),
        tuple(i for path, some in roots.items() for i in comments.ignores(texts[path], some, path)),
        recipes,
    )


def _recipe(build: Build, texts: Mapping[str, str]) -> Recipe | Unknown:
    text = texts.get(build.dockerfile)
    return Unknown("there is no Dockerfile") if text is None else built.read(build, text)


def judged(
    text: str,
    *waivers: Waiver,
    environment: Mapping[str, str] | None = None,
    **others: str,
) -> HostReport:
    """Judge a compose file by every rule."""
    return judge_compose.check(written(text, environment, **others), ALL, waivers, TODAY)


def verdicts(report: HostReport, *rules: str) -> list[Located]:
    """Give the verdicts of these rules."""
    return [v for v in report.verdicts if isinstance(v, Located) and v.rule in rules]


def fails(text: str, *rules: str, **others: str) -> list[tuple[str, int, str]]:
    """Give (subject, line, evidence) of what these rules find."""
    found = verdicts(judged(text, environment=None, **others), *rules)
    return [(v.subject, v.line, v.evidence) for v in found if v.outcome is Outcome.FAIL]


def failed(text: str, **others: str) -> set[str]:
    """Give the ids of the rules that find something."""
    found = judged(text, environment=None, **others).verdicts
    return {verdict.rule for verdict in found if verdict.outcome is Outcome.FAIL}


# Everything that only a file can do wrong.
WORST = """\
services:
  web:
    image: shop/web:1.2
    extends: {file: base.yaml, service: mighty}
    use_api_socket: true
    runtime: mine
    oom_score_adj: -500
    oom_kill_disable: true
    credential_spec: {file: spec.json}
    env_file: .env
    environment:
      DATABASE_URL: postgres://shop:s3cret@db/shop
    extra_hosts: ["host.docker.internal:host-gateway"]
    ports: ["8080:80"]
    tmpfs: /tmp:exec,suid
    volumes_from: [store]
    volumes: ["/etc:/host:ro,z", "data:/data"]
    labels:
      traefik.http.routers.web.rule: Host(`shop.example`)
    post_start:
      - command: /setup
        privileged: true
    develop:
      watch: [{path: ., action: sync, target: /src}]
  store:
    build:
      context: https://github.com/shop/store.git
      privileged: true
      network: host
      ssh: [default]
      entitlements: [security.insecure]
    volumes: ["data:/data"]
  cache:
    image: redis:7
  one: {image: redis:7, networks: [inner]}
  two: {image: redis:7, networks: [inner]}
  model:
    provider: {type: model}
networks:
  inner: {}
volumes:
  data: {}
secrets:
  key: {environment: KEY}
"""
BASE = "services: {mighty: {image: x, privileged: true}}\n"
FLAT = """\
services:
  web: {image: "shop/web:1", ports: ["80:80"]}
  db: {image: "postgres:17"}
  cache: {image: "redis:7"}
"""
BUILT = """\
services:
  app: {build: .}
"""
DOCKERFILE = """\
# syntax=docker/dockerfile:1-labs
FROM debian
ADD https://example.org/tool /tool
ENV API_TOKEN=abcdefgh
RUN apt-get update
RUN curl https://example.org/setup | sh
RUN --security=insecure make
RUN --network=host make
RUN chmod u+s /tool
HEALTHCHECK NONE
"""
