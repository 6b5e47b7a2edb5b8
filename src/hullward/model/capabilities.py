"""The 41 capabilities of Linux: what each allows, and which of them an engine grants."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct

from hullward.model.severity import Severity


class Capability(Struct, frozen=True, kw_only=True):
    """One capability, described for a reader who decides whether a container keeps it.

    `number` is its bit in the kernel's sets and `name` goes without CAP_. `severity` grades a root
    process that holds it in a rootful container; `default` says that Docker grants it unasked.
    `escapes` names known ways to the host, `since` the first kernel that knows the capability.
    """

    number: int
    name: str
    severity: Severity
    allows: str
    drop_when: str
    abuse: str
    default: bool = False
    escapes: tuple[str, ...] = ()
    references: tuple[str, ...] = ("capabilities(7)",)
    since: str = "2.2"


# Numbers: linux/capability.h. Defaults: moby, daemon/pkg/oci/caps/defaults.go.
ALL: tuple[Capability, ...] = (
    Capability(
        number=0,
        name="CHOWN",
        default=True,
        severity=Severity.LOW,
        allows="Give any file to any user and group.",
        drop_when=(
            "Drop it when no process hands files to another user. Entrypoints that chown a data "
            "directory before they switch user need it; `user:` with a prepared volume does not."
        ),
        abuse=(
            "Takes over files of a writable bind mount by becoming their owner, then reads or "
            "replaces them."
        ),
        references=("capabilities(7)", "chown(2)"),
    ),
    Capability(
        number=1,
        name="DAC_OVERRIDE",
        default=True,
        severity=Severity.MEDIUM,
        allows="Read and write files and search directories whatever their permission bits say.",
        drop_when=(
            "Drop it once files belong to the user that opens them. Never replace it by "
            "DAC_READ_SEARCH: Docker's seccomp profile then allows open_by_handle_at."
        ),
        abuse=(
            "Reads and changes other users' files in every bind mount. With DAC_READ_SEARCH it "
            "turns the shocker read of host files into a write."
        ),
        escapes=("shocker write (with DAC_READ_SEARCH)",),
        references=("capabilities(7)", "moby: profiles/seccomp/default_linux.go"),
    ),
    Capability(
        number=2,
        name="DAC_READ_SEARCH",
        severity=Severity.CRITICAL,
        allows=(
            "Read any file and search any directory whatever the permission bits say. Open files "
            "by handle, without a path."
        ),
        drop_when=(
            "Always leave it out. Backup programs ask for it: run them as a user or group that may "
            "read the data, with the data mounted read-only."
        ),
        abuse=(
            "Shocker: guesses the handle of a host file such as /etc/shadow and opens it with "
            "open_by_handle_at through a bind mount, even /etc/hostname, on the same file system."
        ),
        escapes=("shocker (open_by_handle_at)",),
        references=(
            "capabilities(7)",
            "open_by_handle_at(2)",
            "moby: profiles/seccomp/default_linux.go",
        ),
    ),
    Capability(
        number=3,
        name="FOWNER",
        default=True,
        severity=Severity.LOW,
        allows=(
            "Change mode, times, ACLs and flags of files that belong to others. Delete other "
            "users' files in sticky directories."
        ),
        drop_when=(
            "Drop it when no process changes the mode of another user's file. Entrypoints of "
            "databases and package managers do so."
        ),
        abuse=(
            "Opens files of a writable bind mount to everyone by changing their mode or ACL, and "
            "deletes what others keep in a shared /tmp."
        ),
        references=("capabilities(7)", "chmod(2)"),
    ),
    Capability(
        number=4,
        name="FSETID",
        default=True,
        severity=Severity.LOW,
        allows=(
            "Keep the set-user-ID and set-group-ID bits when a file is written. Put the "
            "set-group-ID bit on a file of a group one is not in."
        ),
        drop_when=(
            "Drop it unless the service maintains such bits. Without it they vanish and no error "
            "is reported, so compare the file modes afterwards."
        ),
        abuse=(
            "Writes its own code into a set-user-ID program of a writable bind mount and keeps the "
            "bit; a host user who runs it acts as the owner."
        ),
        references=("capabilities(7)", "inode(7)"),
    ),
    Capability(
        number=5,
        name="KILL",
        default=True,
        severity=Severity.LOW,
        allows="Send signals to processes of any user in its PID namespace.",
        drop_when=(
            "Drop it unless a root supervisor stops or reloads children of another user. Test the "
            "stop as well: without it they run on until Docker kills the container."
        ),
        abuse=(
            "Stops other services of the same container. With `pid: host` it stops any process of "
            "the host."
        ),
        references=("capabilities(7)", "kill(2)"),
    ),
    Capability(
        number=6,
        name="SETGID",
        default=True,
        severity=Severity.LOW,
        allows=(
            "Take any group ID and any supplementary groups. Send forged group IDs over Unix "
            "sockets."
        ),
        drop_when=(
            "Drop it when the container starts as its final user. Servers that begin as root and "
            "switch user need it together with SETUID."
        ),
        abuse=(
            "Joins the group that owns a mounted file or socket, for example the docker group of "
            "the host, and uses it as a member."
        ),
        references=("capabilities(7)", "setgid(2)"),
    ),
    Capability(
        number=7,
        name="SETUID",
        default=True,
        severity=Severity.LOW,
        allows="Take any user ID. Send forged user IDs over Unix sockets.",
        drop_when=(
            "Drop it when the container starts as its final user. Entrypoints with gosu or "
            "su-exec, sudo, sshd and servers that begin as root need it."
        ),
        abuse="Becomes the owner of any file in a bind mount and works on it as that host user.",
        references=("capabilities(7)", "setuid(2)"),
    ),
    Capability(
        number=8,
        name="SETPCAP",
        default=True,
        severity=Severity.INFO,
        allows=(
            "Remove capabilities from its bounding set, add those of that set to its inheritable "
            "set, and change the securebits flags."
        ),
        drop_when=(
            "Drop it: dnsmasq and most others that shrink their bounding set run on without it. "
            "no-new-privileges is a different lock: it stops gains at exec and leaves SETPCAP "
            "in force."
        ),
        abuse="None beyond its bounding set: it cannot obtain what the container was not given.",
        references=("capabilities(7)", "prctl(2)"),
    ),
    Capability(
        number=9,
        name="LINUX_IMMUTABLE",
        severity=Severity.MEDIUM,
        allows="Set and clear the immutable and append-only flags of files.",
        drop_when="Leave it out. Only tools that run chattr +i or +a need it.",
        abuse=(
            "Clears the append-only flag of a log in a writable bind mount to erase traces, or "
            "makes files immutable so that updates on the host fail."
        ),
        references=("capabilities(7)", "ioctl_iflags(2)"),
    ),
    Capability(
        number=10,
        name="NET_BIND_SERVICE",
        default=True,
        severity=Severity.INFO,
        allows="Bind ports below net.ipv4.ip_unprivileged_port_start, which is 1024 on most hosts.",
        drop_when=(
            "Drop it: since Docker 20.10 any user may bind any port in a private network "
            "namespace. Keep it with `network_mode: host`, older engines or another value of "
            "that sysctl."
        ),
        abuse=(
            "With `network_mode: host` it takes a free low port of the host and poses as a system "
            "service there."
        ),
        references=("capabilities(7)", "ip(7)", "moby PR 41030"),
    ),
    Capability(
        number=11,
        name="NET_BROADCAST",
        severity=Severity.INFO,
        allows=(
            "Hear netlink messages of other network namespaces. Broadcast and multicast sockets "
            "do not need it."
        ),
        drop_when="Leave it out. No common service needs it.",
        abuse="Watches changes of interfaces and routes in network namespaces linked to its own.",
        references=("capabilities(7)", "linux: net/netlink/af_netlink.c"),
    ),
    Capability(
        number=12,
        name="NET_ADMIN",
        severity=Severity.HIGH,
        allows=(
            "Configure interfaces, routes, tunnels, traffic control and the firewall of its "
            "network namespace."
        ),
        drop_when=(
            "Leave it out. VPN gateways, firewalls and DHCP servers need it: give it to that one "
            "container, without `network_mode: host` where possible."
        ),
        abuse=(
            "Attacks nf_tables in the kernel (CVE-2023-32233, CVE-2024-1086). With `network_mode: "
            "host` it rewrites the firewall and routes of the host."
        ),
        escapes=("CVE-2023-32233", "CVE-2024-1086"),
        references=("capabilities(7)", "CVE-2023-32233", "CVE-2024-1086"),
    ),
    Capability(
        number=13,
        name="NET_RAW",
        default=True,
        severity=Severity.MEDIUM,
        allows="Open raw and packet sockets: forge frames and read all traffic of its interfaces.",
        drop_when=(
            "Drop it unless the service captures packets or serves DHCP. Since Docker 20.10 ping "
            "works without it, but Debian's ping has it as a file capability and then fails at "
            "exec."
        ),
        abuse=(
            "Spoofs ARP, DNS or IPv6 router advertisements (CVE-2020-13401) to read other "
            "containers' traffic. Packet sockets also had kernel exploits (CVE-2017-7308, "
            "CVE-2020-14386)."
        ),
        escapes=("CVE-2017-7308", "CVE-2020-14386"),
        references=(
            "capabilities(7)",
            "packet(7)",
            "moby PR 41030",
            "CVE-2017-7308",
            "CVE-2020-13401",
            "CVE-2020-14386",
        ),
    ),
    Capability(
        number=14,
        name="IPC_LOCK",
        severity=Severity.MEDIUM,
        allows="Lock memory into RAM beyond the memlock limit and allocate huge pages.",
        drop_when=(
            "Leave it out. Vault, Elasticsearch and databases lock memory, but a raised memlock "
            "value under `ulimits` is usually enough."
        ),
        abuse=(
            "Locks RAM that the host can no longer swap out. Without a memory limit on the "
            "container the host runs short of memory."
        ),
        references=("capabilities(7)", "mlock(2)"),
    ),
    Capability(
        number=15,
        name="IPC_OWNER",
        severity=Severity.LOW,
        allows="Ignore owner and mode of System V shared memory, semaphores and message queues.",
        drop_when="Leave it out. Only programs that share such objects between users need it.",
        abuse=(
            "Reads and changes the shared memory of other users in its IPC namespace. With `ipc: "
            "host` that includes programs of the host."
        ),
        references=("capabilities(7)", "sysvipc(7)"),
    ),
    Capability(
        number=16,
        name="SYS_MODULE",
        severity=Severity.CRITICAL,
        allows="Load and unload kernel modules.",
        drop_when=(
            "Always leave it out. VPN and file system images ask for it to load one module: load "
            "that on the host at boot."
        ),
        abuse=(
            "insmod: loads a module of its own and so runs code in the kernel of the host. Only "
            "enforced module signatures or kernel.modules_disabled stop it."
        ),
        escapes=("insmod",),
        references=(
            "capabilities(7)",
            "init_module(2)",
            "moby: profiles/seccomp/default_linux.go",
        ),
    ),
    Capability(
        number=17,
        name="SYS_RAWIO",
        severity=Severity.CRITICAL,
        allows=(
            "Use I/O ports with iopl and ioperm, open /dev/mem, map PCI devices and send raw SCSI "
            "commands."
        ),
        drop_when="Always leave it out. Run smartctl, flashrom and similar tools on the host.",
        abuse=(
            "Programs hardware through I/O ports, or writes physical memory where /dev/mem is "
            "passed in, and so controls the kernel. Kernel lockdown blocks both."
        ),
        escapes=("I/O ports", "/dev/mem"),
        references=("capabilities(7)", "iopl(2)", "moby: profiles/seccomp/default_linux.go"),
    ),
    Capability(
        number=18,
        name="SYS_CHROOT",
        default=True,
        severity=Severity.LOW,
        allows=(
            "Use chroot, which Docker's seccomp profile permits only with it. With SYS_ADMIN, "
            "enter another mount namespace."
        ),
        drop_when=(
            "Drop it unless the service confines itself with chroot, as sshd, haproxy, postfix and "
            "FTP servers do."
        ),
        abuse=(
            "Leaves a chroot jail inside the container by a second chroot. It does not lead out of "
            "the container."
        ),
        references=("capabilities(7)", "chroot(2)", "moby: profiles/seccomp/default_linux.go"),
    ),
    Capability(
        number=19,
        name="SYS_PTRACE",
        severity=Severity.HIGH,
        allows=(
            "Trace any process of its PID namespace: read and write its memory and registers and "
            "take its open files."
        ),
        drop_when=(
            "Leave it out. Since Docker 19.03 with kernel 4.8 a debugger needs no capability for "
            "processes of its own user."
        ),
        abuse=(
            "With `pid: host` it injects code into a root process of the host. Otherwise it takes "
            "secrets from the memory of the container's other processes."
        ),
        escapes=("process injection (with pid: host)",),
        references=("capabilities(7)", "ptrace(2)", "moby: profiles/seccomp/default_linux.go"),
    ),
    Capability(
        number=20,
        name="SYS_PACCT",
        severity=Severity.LOW,
        allows="Switch process accounting on or off and choose its file.",
        drop_when="Leave it out. Process accounting belongs on the host.",
        abuse=(
            "Has the kernel write a record for each process that ends in its PID namespace, until "
            "the disk is full. With `pid: host` it switches the accounting of the host off."
        ),
        references=("capabilities(7)", "acct(2)"),
    ),
    Capability(
        number=21,
        name="SYS_ADMIN",
        severity=Severity.CRITICAL,
        allows=(
            "Mount file systems, create and join namespaces, set quotas, and many unrelated "
            "operations. It includes BPF, PERFMON and CHECKPOINT_RESTORE."
        ),
        drop_when=(
            "Always leave it out. FUSE, NFS and sandbox images ask for it: mount on the host and "
            "bind the directory in."
        ),
        abuse=(
            "On cgroup v1 it sets release_agent, which the host runs as root, or devices.allow. It "
            "mounts a new /proc and sets core_pattern unless AppArmor forbids that. See also "
            "CVE-2022-0185."
        ),
        escapes=("release_agent", "devices.allow", "core_pattern", "CVE-2022-0185"),
        references=(
            "capabilities(7)",
            "cgroups(7)",
            "core(5)",
            "moby: profiles/seccomp/default_linux.go",
            "CVE-2022-0185",
        ),
    ),
    Capability(
        number=22,
        name="SYS_BOOT",
        severity=Severity.HIGH,
        allows="Call reboot, and load a new kernel with kexec.",
        drop_when="Leave it out. Only images that administer the host ask for it.",
        abuse=(
            "With `pid: host` it restarts the host; in its own PID namespace it only ends the "
            "container. kexec stays blocked by Docker's seccomp profile."
        ),
        references=(
            "capabilities(7)",
            "reboot(2)",
            "kexec_load(2)",
            "moby: profiles/seccomp/default_linux.go",
        ),
    ),
    Capability(
        number=23,
        name="SYS_NICE",
        severity=Severity.MEDIUM,
        allows=(
            "Raise priorities and set real-time scheduling, CPU affinity and memory placement, "
            "also for other users' processes."
        ),
        drop_when=(
            "Leave it out unless latency demands it, as in audio servers. Without it MySQL only "
            "logs a warning about mbind."
        ),
        abuse="Takes real-time priority and starves other containers and the host of CPU time.",
        references=("capabilities(7)", "sched(7)", "moby: profiles/seccomp/default_linux.go"),
    ),
    Capability(
        number=24,
        name="SYS_RESOURCE",
        severity=Severity.MEDIUM,
        allows=(
            "Exceed resource limits and disk quotas, use the reserved blocks of ext4, and lower "
            "its oom_score_adj."
        ),
        drop_when="Leave it out. Raise the one limit that is too low under `ulimits`.",
        abuse=(
            "Fills the disk of the host to the last block and makes the OOM killer spare it, so "
            "that other processes die first."
        ),
        references=("capabilities(7)", "setrlimit(2)"),
    ),
    Capability(
        number=25,
        name="SYS_TIME",
        severity=Severity.HIGH,
        allows="Set the system clock and the hardware clock, which the host and containers share.",
        drop_when=(
            "Leave it out. Keep time on the host; a time server in a container can run with "
            "chronyd -x, which does not touch the clock."
        ),
        abuse=(
            "Turns the clock back so that expired certificates and tokens are valid again, and "
            "falsifies the time in every log of the host."
        ),
        references=(
            "capabilities(7)",
            "settimeofday(2)",
            "moby: profiles/seccomp/default_linux.go",
        ),
    ),
    Capability(
        number=26,
        name="SYS_TTY_CONFIG",
        severity=Severity.LOW,
        allows="Hang up terminals with vhangup and configure virtual consoles.",
        drop_when="Leave it out. Only containers that drive a screen of the host need it.",
        abuse=(
            "With a console of the host passed in as a device, it changes the key map so that keys "
            "typed there run commands."
        ),
        references=(
            "capabilities(7)",
            "ioctl_console(2)",
            "moby: profiles/seccomp/default_linux.go",
        ),
    ),
    Capability(
        number=27,
        name="MKNOD",
        default=True,
        severity=Severity.MEDIUM,
        allows="Create device nodes. The device cgroup still decides which of them can be opened.",
        drop_when=(
            "Drop it: the nodes a service needs come from `devices`. Only images that unpack whole "
            "operating systems (debootstrap) need it."
        ),
        abuse=(
            "With a rule in `device_cgroup_rules` it makes a node for the disk of the host and "
            "edits it. A host user whose UID also runs in the container opens the node through "
            "/proc/PID/root."
        ),
        escapes=("node of the host disk (with a device rule)", "/proc/PID/root"),
        references=("capabilities(7)", "mknod(2)"),
        since="2.4",
    ),
    Capability(
        number=28,
        name="LEASE",
        severity=Severity.MEDIUM,
        allows="Take leases on files of other users; the kernel then delays whoever opens them.",
        drop_when=(
            "Leave it out. Samba uses it only for the option `kernel oplocks`, which is off by "
            "default."
        ),
        abuse=(
            "Holds a lease on a file in a bind mount and stalls each host process that opens it, "
            "for 45 seconds by default."
        ),
        references=("capabilities(7)", "fcntl(2)"),
        since="2.4",
    ),
    Capability(
        number=29,
        name="AUDIT_WRITE",
        default=True,
        severity=Severity.LOW,
        allows="Write records to the audit log of the kernel.",
        drop_when=(
            "Drop it unless sshd serves terminals: built with audit support, as Debian's is, it "
            "refuses them without it. sftp and PAM lose only their records in the audit log of "
            "the host."
        ),
        abuse=(
            "Writes false login records into the audit log of the host, or floods it to bury the "
            "true ones."
        ),
        references=("capabilities(7)", "openssh: audit-linux.c", "podman issue 10164"),
        since="2.6.11",
    ),
    Capability(
        number=30,
        name="AUDIT_CONTROL",
        severity=Severity.HIGH,
        allows="Switch auditing on and off, change its rules, and change login IDs once set.",
        drop_when="Leave it out. auditd belongs on the host.",
        abuse=(
            "With `pid: host` it switches the auditing of the host off; other PID namespaces are "
            "refused. It changes its login ID so that records name someone else."
        ),
        references=("capabilities(7)", "linux: kernel/audit.c"),
        since="2.6.11",
    ),
    Capability(
        number=31,
        name="SETFCAP",
        default=True,
        severity=Severity.LOW,
        allows=(
            "Put capabilities on program files. Since Linux 5.12, map user ID 0 into a new user "
            "namespace."
        ),
        drop_when=(
            "Drop it unless setcap or a package manager runs in the container. Docker grants it by "
            "default although many lists omit it."
        ),
        abuse=(
            "Puts capabilities on a program in a bind mount; a host user who runs it there gets "
            "them outside the container."
        ),
        references=("capabilities(7)", "user_namespaces(7)"),
        since="2.6.24",
    ),
    Capability(
        number=32,
        name="MAC_OVERRIDE",
        severity=Severity.HIGH,
        allows="Ignore mandatory access control where the module honours this, which Smack does.",
        drop_when="Leave it out. Hosts with AppArmor or SELinux have no use for it.",
        abuse=(
            "On a host with Smack it reads and writes what the labels forbid. AppArmor and SELinux "
            "do not yield to it."
        ),
        since="2.6.25",
    ),
    Capability(
        number=33,
        name="MAC_ADMIN",
        severity=Severity.HIGH,
        allows=(
            "Change the policy of a security module: load AppArmor profiles, set Smack labels, "
            "write SELinux labels the policy does not know."
        ),
        drop_when="Leave it out. Load profiles on the host.",
        abuse=(
            "Where securityfs is mounted in the container it replaces or removes AppArmor "
            "profiles, its own included."
        ),
        since="2.6.25",
    ),
    Capability(
        number=34,
        name="SYSLOG",
        severity=Severity.HIGH,
        allows="Read and clear the kernel log, and see kernel addresses where kptr_restrict is 1.",
        drop_when="Leave it out. Read the kernel log on the host.",
        abuse=(
            "Takes kernel addresses from the log and /proc/kallsyms to prepare a kernel exploit, "
            "and clears the log afterwards."
        ),
        references=("capabilities(7)", "syslog(2)", "moby: profiles/seccomp/default_linux.go"),
        since="2.6.37",
    ),
    Capability(
        number=35,
        name="WAKE_ALARM",
        severity=Severity.MEDIUM,
        allows="Set timers that wake the machine from suspend.",
        drop_when="Leave it out. Timers that must wake a machine belong on the host.",
        abuse="Wakes a suspended host again and again, which costs power and drains a battery.",
        references=("capabilities(7)", "timer_create(2)"),
        since="3.0",
    ),
    Capability(
        number=36,
        name="BLOCK_SUSPEND",
        severity=Severity.MEDIUM,
        allows="Keep the machine from suspending, by epoll with EPOLLWAKEUP or a wake lock.",
        drop_when="Leave it out. Whether the machine may sleep is the decision of the host.",
        abuse="Keeps the host awake, which costs power and drains a battery.",
        references=("capabilities(7)", "epoll_ctl(2)"),
        since="3.5",
    ),
    Capability(
        number=37,
        name="AUDIT_READ",
        severity=Severity.LOW,
        allows="Read the audit log from a multicast netlink socket.",
        drop_when=(
            "Leave it out. Only collectors of audit records such as Auditbeat need it, together "
            "with `network_mode: host`."
        ),
        abuse=(
            "With `network_mode: host` it reads the commands, users and paths in the audit log. "
            "Other network namespaces receive no records."
        ),
        references=("capabilities(7)", "linux: kernel/audit.c"),
        since="3.16",
    ),
    Capability(
        number=38,
        name="PERFMON",
        severity=Severity.HIGH,
        allows=(
            "Measure all processes and the kernel with perf events. Together with BPF, load "
            "tracing programs that read kernel memory."
        ),
        drop_when="Leave it out. Run profilers on the host, and only while you measure.",
        abuse=(
            "Samples every process of the host and the kernel, which leaks addresses and secrets. "
            "Together with BPF it reads kernel memory."
        ),
        references=(
            "capabilities(7)",
            "perf_event_open(2)",
            "moby: profiles/seccomp/default_linux.go",
        ),
        since="5.8",
    ),
    Capability(
        number=39,
        name="BPF",
        severity=Severity.HIGH,
        allows=(
            "Load BPF programs and maps. Tracing programs need PERFMON as well, network programs "
            "NET_ADMIN."
        ),
        drop_when=(
            "Leave it out. Network and security agents (Cilium, Falco) need it: treat these as "
            "software of the host."
        ),
        abuse=(
            "Uses a flaw of the BPF verifier to write kernel memory (CVE-2021-3490, "
            "CVE-2023-2163). Together with PERFMON it watches every process of the host."
        ),
        escapes=("CVE-2021-3490", "CVE-2023-2163"),
        references=(
            "capabilities(7)",
            "bpf(2)",
            "moby: profiles/seccomp/default_linux.go",
            "CVE-2021-3490",
            "CVE-2023-2163",
        ),
        since="5.8",
    ),
    Capability(
        number=40,
        name="CHECKPOINT_RESTORE",
        severity=Severity.HIGH,
        allows=(
            "Choose the PID of a new process, open the mapped files of other processes, and "
            "restore saved processes."
        ),
        drop_when="Leave it out. Only CRIU inside a container needs it.",
        abuse=(
            "Gives a process a PID that another program has recorded and so poses as that process, "
            "and opens files that processes of other users have mapped."
        ),
        references=("capabilities(7)", "clone3(2)", "proc(5)"),
        since="5.9",
    ),
)

BY_NAME: Mapping[str, Capability] = MappingProxyType(
    {capability.name: capability for capability in ALL}
)
DEFAULT: frozenset[str] = frozenset(capability.name for capability in ALL if capability.default)

# A capability set of the kernel has 64 bits; the ones without a name yet are CAP_41 to CAP_63.
_NAMES = (*BY_NAME, *(f"CAP_{number}" for number in range(len(ALL), 64)))
_NUMBERS: Mapping[str, int] = MappingProxyType({name: bit for bit, name in enumerate(_NAMES)})


def normalise(name: str) -> str | None:
    """Spell a capability as this module does, in upper case and without CAP_.

    ALL stays ALL, and like the engine this takes it only without the prefix. None stands for a
    name that the engine would refuse. Source: moby, NormalizeLegacyCapabilities in
    daemon/pkg/oci/caps/utils.go.
    """
    upper = name.upper()
    if upper == "ALL":
        return upper
    bare = upper.removeprefix("CAP_")
    return bare if bare in BY_NAME else None


def granted(
    cap_add: Sequence[str], cap_drop: Sequence[str], *, privileged: bool = False
) -> frozenset[str]:
    """Name the capabilities an engine gives a container.

    Takes `CapAdd`, `CapDrop` and `Privileged` of its HostConfig. What a non-root process can use
    may be less. Privileged means every one. Adding ALL gives all but the ones dropped by name, so
    that dropping ALL as well changes nothing. Dropping ALL leaves the added ones. Otherwise the
    defaults lose the dropped and gain the added: one that is in both lists is granted. Unknown
    names count for nothing, as no engine creates such a container. Source: moby,
    TweakCapabilities in daemon/pkg/oci/caps/utils.go (formerly oci/caps/utils.go).
    """
    added, dropped = _known(cap_add), _known(cap_drop)
    if privileged:
        return frozenset(BY_NAME)
    if "ALL" in added:
        return frozenset(BY_NAME) - dropped
    if "ALL" in dropped:
        return added
    return (DEFAULT - dropped) | added


def from_mask(mask: int) -> frozenset[str]:
    """Name the bits of a kernel set, such as int("00000000a80425fb", 16) from CapEff.

    A bit without a name is given by its number as CAP_41 to CAP_63, so that nothing is lost.
    Raises ValueError for a number that does not fit the kernel's 64 bits. Source: capabilities(7)
    and linux/capability.h.
    """
    if not 0 <= mask < 1 << len(_NAMES):
        what = f"no set of {len(_NAMES)} capabilities: {mask:#x}"
        raise ValueError(what)
    return frozenset(name for bit, name in enumerate(_NAMES) if mask >> bit & 1)


def to_mask(names: Iterable[str]) -> int:
    """Give the kernel set of these capabilities: the inverse of `from_mask`.

    Takes names in any spelling of `normalise`, and CAP_41 to CAP_63. Raises ValueError for any
    other, ALL included: how many that means depends on the kernel.
    """
    mask = 0
    for name in names:
        number = _NUMBERS.get(normalise(name) or name.upper())
        if number is None:
            what = f"no capability: {name}"
            raise ValueError(what)
        mask |= 1 << number
    return mask


def _known(names: Iterable[str]) -> frozenset[str]:
    return frozenset(known for name in names if (known := normalise(name)) is not None)
