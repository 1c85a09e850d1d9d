#!/bin/sh
# What a container runs: a service by its name, or the command line.
set -eu
# A core dump would hold text, addresses and tokens.
ulimit -c 0
app=$(cd "$(dirname "$0")/../.." && pwd)
names=$(ls "$app/services")

usage() {
  echo "Usage: SERVICE, or: carillon COMMAND …"
  echo "Services:" $names
  echo "Settings are in the environment; a secret KEY may be in the file that KEY_FILE names."
}

refuse() {
  echo "$1" >&2
  usage >&2
  exit 2
}

case ${1:-} in
  "") refuse "Say which service to run." ;;
  -h | --help) usage && exit ;;
  carillon) shift && exec "$app/carillon" "$@" ;;
esac

for name in $names; do
  [ "$name" = "$1" ] || continue
  [ $# = 1 ] || refuse "A service takes no arguments."
  exec node --max-semi-space-size=8 --import "$app/deploy/image/EarlyStop.ts" "$app/services/$name/main.ts"
done
refuse "There is no service $1."
