#!/bin/sh
# Puts Carillon under systemd, from the folder that it lies in: user, database, keys of NATS, settings, units. To run it
# again changes nothing of what is there but the units. Further flags are those of `carillon nats users`: --publisher clinic,
# --follower clinic-outcomes (whose consumer `carillon nats provision --follower clinic-outcomes` makes).
# DESTDIR=/some/root writes there instead, and touches neither users nor database.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
# Versions lie side by side, and a link says which is in use: units go by the link, so that to set it is to upgrade.
current=$(dirname "$project")/carillon
[ "$(readlink -f "$current")" != "$(readlink -f "$project")" ] || project=$current
root=${DESTDIR:-}
etc=$root/etc/carillon
units=$root/etc/systemd/system

mkdir -p "$etc" "$units" "$root/usr/local/bin"
for private in nats secrets; do
  mkdir -p "$etc/$private"
  chmod 700 "$etc/$private"
done
for settings in carillon.env nats-server.conf; do
  [ -e "$etc/$settings" ] || install -m 644 "$here/$settings" "$etc/$settings"
done
# Public keys only; the seeds are in the folder, for root alone.
"$project/carillon" nats users --keys "$etc/nats" "$@" > "$etc/nats-users.conf"
[ -e "$etc/secrets/database-password" ] || (
  umask 077 && od -An -tx1 -N24 /dev/urandom | tr -d ' \n' > "$etc/secrets/database-password"
)

for unit in carillon@.service carillon.target carillon-provision.service $(cd "$here" && echo *.d/*.conf); do
  mkdir -p "$units/$(dirname "$unit")"
  sed "s|/opt/carillon|$project|g" "$here/$unit" > "$units/$unit"
done
sed "s|/opt/carillon|$project|g" "$here/carillon" > "$root/usr/local/bin/carillon"
chmod 755 "$root/usr/local/bin/carillon"

[ -z "$root" ] || exit 0
id carillon > /dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin carillon
if id postgres > /dev/null 2>&1; then
  as_postgres() { (cd / && runuser -u postgres -- "$@"); }
  as_postgres psql -qAt -c "SELECT 1 FROM pg_database WHERE datname = 'carillon'" | grep -q 1 || as_postgres createdb carillon
  as_postgres psql -q -d carillon < "$project/deploy/postgres/roles.sql"
  # Postgres may log what it is told: it is not told the password.
  verifier=$("$project/node_modules/node/bin/node" "$project/deploy/postgres/Verifier.ts" < "$etc/secrets/database-password")
  echo "ALTER ROLE carillon_ledger PASSWORD '$verifier'" | as_postgres psql -q -d carillon
fi
systemctl daemon-reload
echo "Now put the bot's token into $etc/secrets/telegram-bot-token, and start carillon.target."
