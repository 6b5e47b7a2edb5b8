# shellcheck shell=bash
# Real services for bench/minimize.py: what each layer is made of. services.json says how they run.

service_packages() { # NAME
  case $1 in
    postgres) echo postgresql gosu ;;
    redis-aof) echo redis-server gosu ;;
    sftp-password) echo openssh-server openssh-client sshpass ;;
    dnsmasq) echo dnsmasq-base knot-dnsutils ;;
    mosquitto) echo mosquitto mosquitto-clients ;;
    haproxy-master) echo haproxy ;;
    pingmon) echo iputils-ping tcpdump nginx-light ;;
    apache) echo apache2 ;;
    mariadb) echo mariadb-server ;;
    rsync) echo rsync ;;
    bind) echo bind9 knot-dnsutils ;;
    chrony) echo chrony ;;
    cron) echo cron ;;
    memcached) echo memcached ;;
    worker) echo util-linux ;;
  esac
}

entrypoint() { # ROOT   the script is on the standard input
  cat >"$1/usr/local/bin/entrypoint"
  chmod 755 "$1/usr/local/bin/entrypoint"
}

# As the official image does it: root prepares the folders, gosu becomes the service's user.
files_postgres() {
  rm -rf "$1"/var/lib/postgresql/*
  ln -s /usr/lib/postgresql/15/bin/* "$1/usr/local/bin/" 2>/dev/null || true
  entrypoint "$1" <<'SH'
#!/bin/bash
set -e
export PGDATA=/var/lib/postgresql/data
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA" || :
  mkdir -p /var/run/postgresql
  chmod 3777 /var/run/postgresql || :
  find "$PGDATA" \! -user postgres -exec chown postgres '{}' +
  find /var/run/postgresql \! -user postgres -exec chown postgres '{}' +
  exec gosu postgres "$0"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb -D "$PGDATA" -A trust -N >/dev/null
  echo 'host all all all trust' >>"$PGDATA/pg_hba.conf"
fi
exec postgres -D "$PGDATA" -h '*'
SH
}

files_redis-aof() {
  mkdir -p "$1/data"
  chroot "$1" chown redis: /data
  entrypoint "$1" <<'SH'
#!/bin/sh
set -e
cd /data
if [ "$(id -u)" = 0 ]; then
  find . \! -user redis -exec chown redis '{}' +
  exec gosu redis "$0"
fi
umask 0077
exec redis-server --dir /data --protected-mode no --appendonly yes
SH
}

files_sftp-password() {
  rm -f "$1"/etc/ssh/ssh_host_*
  sed -i 's/^Subsystem.*/Subsystem sftp internal-sftp/' "$1/etc/ssh/sshd_config"
  entrypoint "$1" <<'SH'
#!/bin/bash
set -e
mkdir -p /run/sshd
if ! id alice >/dev/null 2>&1; then
  useradd -M -d /home/alice -s /usr/sbin/nologin -u 2000 alice
  echo 'alice:secret' | chpasswd
fi
mkdir -p /home/alice/upload
chown root:root /home/alice
chmod 755 /home/alice
chown alice:alice /home/alice/upload
chmod 700 /home/alice/upload
key=/etc/ssh/ssh_host_ed25519_key
ls $key >/dev/null 2>&1 || ssh-keygen -q -t ed25519 -N '' -f $key
exec /usr/sbin/sshd -D -e -o PasswordAuthentication=yes -o ChrootDirectory=%h \
  -o ForceCommand=internal-sftp -o UsePAM=yes -o KbdInteractiveAuthentication=no -o HostKey=$key
SH
}

files_dnsmasq() { :; }

files_mosquitto() {
  mkdir -p "$1/mosquitto/data"
  entrypoint "$1" <<'SH'
#!/bin/sh
{
  printf 'listener 1883\nallow_anonymous true\n'
  printf 'persistence true\npersistence_location /mosquitto/data/\n'
} >/etc/mosquitto/m.conf
chown -R mosquitto: /mosquitto
exec mosquitto -c /etc/mosquitto/m.conf
SH
}

files_haproxy-master() {
  mkdir -p "$1/run/haproxy"
  cat >"$1/etc/haproxy/haproxy.cfg" <<'CONF'
global
  user haproxy
  group haproxy
  chroot /var/lib/haproxy
  log stdout format raw local0
defaults
  mode http
  timeout connect 2s
  timeout client 2s
  timeout server 2s
frontend web
  bind :80
  http-request return status 200 content-type text/plain string "routed\n"
CONF
}

# A supervisor that must be able to end its child, which runs as another user.
files_worker() {
  entrypoint "$1" <<'SH'
#!/bin/sh
setpriv --reuid=33 --regid=33 --clear-groups \
  sh -c 'while :; do echo tick >/tmp/tick; sleep 1; done' &
child=$!
trap 'kill $child || { echo "cannot kill worker"; exit 9; }; wait $child; exit 0' TERM
while :; do
  sleep 0.2
  [ -d /proc/$child ] || exit 3
done
SH
}

# Answers "ping=ok raw=ok" on port 8000 while a user's ping and a raw socket work.
files_pingmon() {
  cat >"$1/etc/nginx/ping.conf" <<'CONF'
user root;
error_log stderr;
pid /tmp/w/pid;
events {}
http {
  access_log off;
  server { listen 8000; root /tmp/w; }
}
CONF
  entrypoint "$1" <<'SH'
#!/bin/bash
trap "exit 0" TERM
mkdir -p /tmp/w
cd /tmp/w
echo start >index.html
nginx -c /etc/nginx/ping.conf -g 'daemon off;' &
while :; do
  a=$(setpriv --reuid=33 --regid=33 --clear-groups ping -c1 -W1 127.0.0.1 >/dev/null 2>&1 &&
    echo ping=ok || echo ping=fail)
  timeout 1 tcpdump -Z root -i lo -c1 -w /dev/null >/dev/null 2>&1
  b=$([ $? = 124 ] && echo raw=ok || echo raw=fail)
  echo "$a $b" | tee index.html.new
  mv index.html.new index.html
  sleep 0.3
done
SH
}

files_apache() {
  ln -sf /dev/stdout "$1/var/log/apache2/access.log"
  ln -sf /dev/stderr "$1/var/log/apache2/error.log"
  entrypoint "$1" <<'SH'
#!/bin/sh
mkdir -p /var/run/apache2 /var/lock/apache2
exec apache2ctl -D FOREGROUND
SH
}

files_mariadb() {
  rm -rf "$1"/var/lib/mysql/*
  entrypoint "$1" <<'SH'
#!/bin/bash
set -e
mkdir -p /run/mysqld
chown mysql:mysql /run/mysqld
find /var/lib/mysql \! -user mysql -exec chown mysql: '{}' +
if [ ! -d /var/lib/mysql/mysql ]; then
  mariadb-install-db --user=mysql --skip-test-db --auth-root-authentication-method=normal >/dev/null
  printf '%s\n' "create user 'probe'@'%';" "grant all on *.* to 'probe'@'%';" >/tmp/init.sql
  chmod 644 /tmp/init.sql
  exec mariadbd --user=mysql --bind-address=0.0.0.0 --init-file=/tmp/init.sql
fi
exec mariadbd --user=mysql --bind-address=0.0.0.0
SH
}

# Each connection is served by a user of its own, in a chroot.
files_rsync() {
  mkdir -p "$1/srv/inbox"
  cat >"$1/etc/rsyncd.conf" <<'CONF'
[inbox]
path = /srv/inbox
read only = no
use chroot = yes
uid = nobody
gid = nogroup
CONF
  chroot "$1" chown nobody:nogroup /srv/inbox
}

files_bind() {
  cat >"$1/etc/bind/named.conf" <<'CONF'
options { directory "/var/cache/bind"; recursion no; listen-on { any; }; dnssec-validation no; };
zone "box.test" { type primary; file "/etc/bind/box.test"; };
CONF
  cat >"$1/etc/bind/box.test" <<'CONF'
$TTL 60
@ IN SOA ns root 1 60 60 60 60
@ IN NS ns
ns IN A 10.1.2.3
www IN A 10.1.2.4
CONF
  entrypoint "$1" <<'SH'
#!/bin/sh
mkdir -p /run/named
chown bind:bind /run/named
exec named -g -u bind
SH
}

# Without a server to follow it only serves its own time: the machine's clock is left as it is.
files_chrony() {
  printf 'local stratum 10\nallow\ncmdport 0\nport 123\npidfile /run/chrony/chronyd.pid\n' \
    >"$1/etc/chrony/chrony.conf"
  entrypoint "$1" <<'SH'
#!/bin/sh
mkdir -p /run/chrony
chown _chrony:_chrony /run/chrony
chmod 750 /run/chrony
exec chronyd -d -u _chrony
SH
}

files_cron() {
  mkdir -p "$1/spool"
  chmod 1777 "$1/spool"
  echo '@reboot www-data id -un >>/spool/who; sleep 1000' >"$1/etc/cron.d/job"
  chmod 644 "$1/etc/cron.d/job"
  rm -f "$1"/etc/cron.daily/* "$1"/etc/cron.d/e2scrub*
}

files_memcached() { :; }
