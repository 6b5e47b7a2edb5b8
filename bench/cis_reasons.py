"""Why hullward answers some checks otherwise than docker-bench-security does.

The key is the check and the side: what only `theirs` or only `ours` fails, or `blind`, where
docker-bench-security says that there is nothing to look at, or does not look.
"""

from collections.abc import Mapping

_NIL = "it skips every container whose name has `nil` in it"
_PROGRAM = "it looks only in /usr/bin; the running programs are elsewhere here"
_DECIMAL = "it compares modes as decimal numbers, so 622 and 606 pass for at most 644"
_SPACE = "it reads only `--tlscacert=FILE`, not `--tlscacert FILE`: the daemon has TLS"
_PRIVILEGED = "it reads only CapAdd; privileged grants all"

WHY: Mapping[tuple[str, str], str] = {
    ("1.1.1", "ours"): (
        "dockerd mounts its data folder onto itself, which it takes for a partition of its own"
    ),
    ("1.1.9", "blind"): "since CIS 1.7 docker.sock is meant, which is there; it asks for the unit",
    **{(f"1.1.{n}", "blind"): _PROGRAM for n in range(14, 19)},
    ("2.7", "blind"): (
        "it throws away what it reads of `-H`, so it sees TCP only in daemon.json; without TCP "
        "there is nothing to protect"
    ),
    ("2.13", "ours"): "it knows only json-file: `local` keeps the logs on the host as well",
    ("2.17", "blind"): "it knows `profile=default`, which Docker calls `builtin` since 23",
    ("2.18", "blind"): "it takes any Docker from 19.03 on for one without experimental features",
    ("3.2", "ours"): _DECIMAL,
    ("3.18", "ours"): _DECIMAL,
    ("3.21", "ours"): _DECIMAL,
    **{(f"3.{n}", "blind"): _SPACE for n in range(9, 15)},
    ("3.15", "theirs"): "root:root is stricter than root:docker: no group is root by it",
    ("4.1", "ours"): f"user 0:0 and names of uid 0 (toor) are root as well; {_NIL}",
    ("5.2", "theirs"): (
        "the engine has no AppArmor, so no container can: one finding for the engine"
    ),
    ("5.2", "ours"): "the engine itself has neither AppArmor nor SELinux",
    ("5.3", "theirs"): (
        "it wants any security option at all; on an engine without SELinux none can help"
    ),
    ("5.3", "ours"): (
        "label=disable switches SELinux off and passes there as an option that is set; Docker adds "
        "it by itself to privileged and to the host's processes and IPC"
    ),
    ("5.4", "ours"): f"the 14 default capabilities that are not dropped count as well; {_NIL}",
    ("5.6", "theirs"): "a named volume at /etc of the container is no folder of the host",
    ("5.6", "ours"): (
        "it knows 8 folders by exact name, writable: not / read-only, below /etc, /run, or a "
        "volume that binds"
    ),
    ("5.7", "theirs"): "it sees the host's own sshd, as the container sees the host's processes",
    ("5.9", "theirs"): "any published port fails there; these are declared by their images",
    ("5.9", "ours"): "its `cut` finds no port in [::]:8200",
    ("5.11", "ours"): _NIL,
    ("5.12", "theirs"): "it does not know CpuQuota and CpusetCpus",
    ("5.12", "ours"): _NIL,
    ("5.13", "ours"): _NIL,
    ("5.14", "ours"): "it knows only 0.0.0.0: not [::], and not what host network opens",
    ("5.15", "ours"): (
        "it looks only at the count of on-failure: `always` and `unless-stopped` restart for ever"
    ),
    ("5.19", "theirs"): (
        "it lists who keeps the engine's limits; CIS wants no other ones unless they are needed"
    ),
    ("5.19", "ours"): "it asks the reverse: this one has limits of its own",
    ("5.22", "ours"): "privileged switches seccomp off without saying so",
    ("5.26", "ours"): f"`no-new-privileges:false` passes there; {_NIL}",
    ("5.27", "ours"): _NIL,
    ("5.29", "ours"): _NIL,
    ("5.31", "theirs"): "the engine remaps no user namespaces, so there is nothing to opt out of",
    ("5.32", "ours"): "it looks for the name docker.sock: not for /, /run or /var/run above it",
    ("7.1", "ours"): "it counts leaders, of which there is always one; a lone manager spares none",
    ("C.5.3.1", "ours"): _PRIVILEGED,
    ("C.5.3.2", "ours"): _PRIVILEGED,
    ("C.5.3.3", "ours"): f"{_PRIVILEGED}; {_NIL}",
    ("C.5.3.4", "ours"): _PRIVILEGED,
}
