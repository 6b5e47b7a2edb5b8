"""One service of a compose file, as the container that it would become."""

import shlex
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from hullward.compose import build, environment, keys, limits, mounts, namespaces, ports, security
from hullward.compose.model import Grant, Hook, Network, Place, Problem, Project, Service, Volume
from hullward.compose.opening import Loaded
from hullward.compose.sheet import Sheet, truth
from hullward.compose.values import Items, Leaf, Table
from hullward.model import engine_words
from hullward.model.facts import Container


class Around(Struct, frozen=True):
    """What a service is in: its project without its services, and what this offers.

    `names` are the names that the services' containers will have, `profiles` those that are on.
    """

    project: Project
    environment: Mapping[str, str]
    profiles: frozenset[str]
    networks: Mapping[str, Network]
    volumes: Mapping[str, Volume]
    resources: Mapping[str, Mapping[str, str]]
    names: Mapping[str, str]
    state: Loaded


def read(name: str, place: Place, table: Table, around: Around) -> tuple[Service, list[Problem]]:
    """Give a service, and what compose would refuse in it."""
    sheet = Sheet(table, name)
    state = around.state
    variables = environment.read(sheet, state, around.environment)
    built = build.read(sheet, around.environment)
    labels = environment.labels(sheet, state, around.environment)
    container = replace(
        _container(sheet, around, tuple(v.name for v in variables)),
        labels=_labels(sheet, around, labels),
    )
    unresolved = dict(sheet.unresolved)
    if name in state.unresolved:
        unresolved["*"] = state.unresolved[name]
    profiles = sheet.texts("profiles", "profiles")
    service = Service(
        name=name,
        container=container,
        place=place,
        places=sheet.places,
        unresolved=unresolved,
        keys={key: table.key_place(key) for key in table.entries},
        profiles=profiles,
        active=not profiles or bool({*profiles, "*"} & around.profiles),
        extends=state.extends.get(name, ()),
        depends_on=_names(sheet, "depends_on"),
        volumes_from=sheet.texts("volumes_from", "volumes_from"),
        build=built,
        environment=variables,
        env_files=tuple(file.path for file in environment.files(sheet) if not file.leaf.gap),
        hooks=_hooks(sheet),
        tmpfs=mounts.memory(sheet),
        grants=_grants(sheet),
        labels={key: leaf.place for key, leaf in labels.items()},
        provider=_provider(sheet),
        use_api_socket=sheet.flag("use_api_socket", "use_api_socket"),
        expose=sheet.texts("expose", "expose"),
        develop=table.get("develop") is not None,
        oom_score_adj=sheet.number("oom_score_adj", "oom_score_adj"),
        credential_spec=_credential_spec(sheet),
        log_options=_log_options(sheet),
        replicas=limits.replicas(sheet),
    )
    return service, [*keys.of_service(name, table), *sheet.problems]


def _container(sheet: Sheet, around: Around, variables: tuple[str, ...]) -> Container:
    names = around.names
    sheet.leaf("container_name", "name")
    user = sheet.text("user", "user")
    uid, gap = _uid(sheet, user)
    confined = security.read(sheet, around.state, around.project.directory)
    network_mode, joined = namespaces.networks(sheet, names, around.networks)
    words = _words(sheet)
    restart, attempts = limits.restart(sheet)
    devices, requests = limits.devices(sheet)
    none = () if confined.unmasked else None
    privileged = sheet.flag("privileged", "privileged")
    pid = namespaces.mode(sheet, "pid", "pid_mode", names)
    ipc = namespaces.mode(sheet, "ipc", "ipc_mode", names, "private")
    open_ = privileged or "host" in {pid, ipc}
    return Container(
        name=names[sheet.name],
        image=_image(sheet, around.project.name),
        state="created",
        program=_program(sheet, words),
        user=user,
        uid=uid,
        uid_gap=gap,
        groups=sheet.texts("group_add", "groups"),
        privileged=privileged,
        cap_add=sheet.texts("cap_add", "cap_add", unique=True),
        cap_drop=sheet.texts("cap_drop", "cap_drop", unique=True),
        security_opt=security.with_label(confined.options) if open_ else confined.options,
        apparmor_profile=security.apparmor(confined.options),
        seccomp_default_action=confined.seccomp_action,
        masked_paths=none,
        readonly_paths=none,
        read_only=sheet.flag("read_only", "read_only"),
        runtime=sheet.text("runtime", "runtime"),
        network_mode=network_mode,
        pid_mode=pid,
        ipc_mode=ipc,
        uts_mode=sheet.text("uts", "uts_mode"),
        userns_mode=sheet.text("userns_mode", "userns_mode"),
        cgroupns_mode=sheet.text("cgroup", "cgroupns_mode") or "private",
        cgroup_parent=sheet.text("cgroup_parent", "cgroup_parent"),
        networks=joined,
        mounts=mounts.read(sheet, mounts.Given(around.volumes, around.resources)),
        wished_ports=ports.read(sheet),
        devices=devices,
        device_rules=sheet.texts("device_cgroup_rules", "device_rules"),
        device_requests=(*requests, *limits.device_requests(sheet)),
        sysctls=_sysctls(sheet),
        ulimits=_ulimits(sheet),
        memory=limits.memory(sheet),
        cpu_limited=limits.cpu_limited(sheet),
        cores=limits.cores(sheet),
        pids=limits.pids(sheet),
        restart=restart,
        restart_attempts=attempts,
        health=limits.health(sheet),
        log_driver=_log_driver(sheet),
        environment=variables,
        api_listens=engine_words.api_listens(words),
        api_verifies=engine_words.api_verifies(words),
    )


def _uid(sheet: Sheet, user: str) -> tuple[int | None, str]:
    if "user" in sheet.unresolved:
        sheet.unresolved["uid"] = sheet.unresolved["user"]
        return None, sheet.unresolved["user"].reason
    if user:
        sheet.places["uid"] = sheet.places["user"]
        uid = engine_words.declared_uid(user)
        reason = f"the image's /etc/passwd says which uid {user} is"
        if uid is None:
            sheet.gap("uid", reason, sheet.places["user"], "image")
        return uid, "" if uid is not None else reason
    reason = "the image decides which user it is"
    for field in ("user", "uid"):
        sheet.gap(field, reason, sheet.table.place, "image")
    return None, reason


def _image(sheet: Sheet, project: str) -> str:
    image = sheet.text("image", "image")
    if image or "image" in sheet.unresolved:
        return image
    if "build" in sheet.table.entries:
        return f"{project}-{sheet.name}"
    return ""


def _words(sheet: Sheet) -> tuple[str, ...]:
    """Give the words of entrypoint and command, as far as the file says them."""
    return (*_argv(sheet, "entrypoint", "program"), *_argv(sheet, "command", "api_listens"))


def _argv(sheet: Sheet, key: str, field: str) -> list[str]:
    found = sheet.take(key, field)
    if isinstance(found, Items):
        return [item.text for item in found.items if isinstance(item, Leaf)]
    if not isinstance(found, Leaf):
        return []
    try:
        return shlex.split(found.text)
    except ValueError:
        return found.text.split()


def _program(sheet: Sheet, words: tuple[str, ...]) -> str:
    """Give the name of the first program; unknown while the image's entrypoint may be it."""
    if "entrypoint" not in sheet.table.entries or sheet.table.get("entrypoint") is None:
        sheet.gap("program", "the image has an entrypoint of its own", sheet.table.place, "image")
        return ""
    return words[0].rpartition("/")[2] if words else ""


def _sysctls(sheet: Sheet) -> Mapping[str, str]:
    pairs = sheet.pairs("sysctls", "sysctls")
    for name, leaf in pairs.items():
        sheet.places[f"sysctls[{name}]"] = leaf.place
    return {name: leaf.text.partition("=")[2] for name, leaf in pairs.items()}


def _ulimits(sheet: Sheet) -> tuple[str, ...]:
    sheet.take("ulimits", "ulimits")
    found = sheet.below("ulimits", "ulimits")
    return tuple(sorted(found.entries)) if found else ()


def _log_driver(sheet: Sheet) -> str:
    sheet.take("logging", "log_driver")
    logging = sheet.below("logging", "log_driver")
    return sheet.text("driver", "log_driver", logging) if logging else ""


def _log_options(sheet: Sheet) -> tuple[str, ...]:
    logging = sheet.below("logging", "log_driver")
    options = sheet.below("options", "log_options", logging) if logging else None
    return tuple(options.entries) if options else ()


def _labels(sheet: Sheet, around: Around, own: Mapping[str, Leaf]) -> Mapping[str, str]:
    """Give the labels that rules read, with those that compose adds itself."""
    kept = engine_words.KEPT_LABELS.intersection(own)
    return {
        **{name: own[name].text.partition("=")[2] for name in kept},
        "com.docker.compose.project": around.project.name,
        "com.docker.compose.project.config_files": ",".join(around.project.files),
        "com.docker.compose.project.working_dir": around.project.directory,
        "com.docker.compose.service": sheet.name,
    }


def _names(sheet: Sheet, key: str) -> tuple[str, ...]:
    found = sheet.table.get(key)
    if isinstance(found, Table):
        return tuple(found.entries)
    if isinstance(found, Items):
        return tuple(item.text for item in found.items if isinstance(item, Leaf))
    return ()


def _hooks(sheet: Sheet) -> tuple[Hook, ...]:
    hooks = []
    for kind in ("pre_start", "post_start", "pre_stop"):
        for entry in sheet.tables(kind, kind):
            if isinstance(entry, Table):
                user, privileged = entry.get("user"), entry.get("privileged")
                hooks.append(
                    Hook(
                        kind,
                        user.text if isinstance(user, Leaf) else "",
                        isinstance(privileged, Leaf) and truth(privileged.data) is True,
                        entry.place,
                    )
                )
    return tuple(hooks)


def _grants(sheet: Sheet) -> tuple[Grant, ...]:
    grants = []
    for kind in ("secrets", "configs"):
        for entry in sheet.tables(kind, kind):
            source = entry.get("source") if isinstance(entry, Table) else entry
            target = entry.get("target") if isinstance(entry, Table) else None
            if isinstance(source, Leaf):
                shown = target.text if isinstance(target, Leaf) else ""
                grants.append(Grant(kind, source.text, shown, entry.place))
    return tuple(grants)


def _provider(sheet: Sheet) -> str:
    provider = sheet.below("provider", "provider")
    return sheet.text("type", "provider", provider) if provider else ""


def _credential_spec(sheet: Sheet) -> str:
    found = sheet.below("credential_spec", "credential_spec")
    return ", ".join(found.entries) if found else ""
