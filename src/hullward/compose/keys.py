"""The names that compose knows (github.com/compose-spec/compose-spec, compose-spec.json).

It refuses any other, so a setting with a slip in its name has no effect: it is never passed over.
"""

from collections.abc import Iterator

from hullward.compose.model import Problem
from hullward.compose.values import Table
from hullward.model.errors import HullwardError

TOP = frozenset(
    ("configs", "include", "models", "name", "networks", "secrets", "services", "version")
) | {"volumes"}
SERVICE = frozenset(
    """
    annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs
    container_name cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime
    cpu_shares cpus cpuset credential_spec depends_on deploy develop device_cgroup_rules devices dns
    dns_opt dns_search domainname entrypoint env_file environment expose extends external_links
    extra_hosts gpus group_add healthcheck hostname image init ipc isolation label_file labels links
    logging mac_address mem_limit mem_reservation mem_swappiness memswap_limit models network_mode
    networks oom_kill_disable oom_score_adj pid pids_limit platform ports post_start pre_start
    pre_stop privileged profiles provider pull_policy pull_refresh_after read_only restart runtime
    scale secrets security_opt shm_size stdin_open stop_grace_period stop_signal storage_opt sysctls
    tmpfs tty ulimits use_api_socket user userns_mode uts volumes volumes_from working_dir
    """.split()  # noqa: SIM905 - read as one block
)


def of_file(tree: Table) -> Iterator[Problem]:
    """Name what does not belong at the top; raises HullwardError where nothing does."""
    strange = [key for key in tree.entries if key not in TOP and not key.startswith("x-")]
    if strange and TOP.isdisjoint(tree.entries):
        raise HullwardError(
            f"{tree.key_place(strange[0])}: {strange[0]} is not known to compose, and nothing else "
            "in the file is",
            "Name a compose file: one with `services:`.",
        )
    for key in strange:
        yield Problem(f"{key} is not known to compose", tree.key_place(key))


def of_service(name: str, table: Table) -> Iterator[Problem]:
    """Name what does not belong into a service."""
    for key in table.entries:
        if key not in SERVICE and not key.startswith("x-"):
            yield Problem(f"service {name}: {key} is not known to compose", table.key_place(key))
