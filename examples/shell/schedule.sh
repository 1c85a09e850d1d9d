#!/usr/bin/env bash
# Schedules a message from the shell: with the nats command where it is installed, else with nothing but bash. The command
# knows NATS_NKEY, the file with our seed; bash cannot sign with it, and does for a server without users.
set -euo pipefail
# The protocol counts bytes, and so does bash with this.
export LC_ALL=C

# The id is yours, and the same when you run it again: only so is there one message, whatever became of the first try.
[ $# -ge 2 ] || { echo "usage: schedule.sh ID DUE_AT [CHAT_ID], say schedule.sh appt-4711 2030-01-01T09:00:00Z" >&2; exit 2; }
id="$1" due_at="$2" chat_id="${3:-123456789}"
url="${NATS_URL:-nats://127.0.0.1:4222}"
command="{\"id\":\"$id\",\"platform\":\"telegram\",\"recipient\":{\"chatId\":\"$chat_id\"},\"content\":{\"type\":\"text\",\"text\":\"Grüße from the shell\"},\"dueAt\":\"$due_at\"}"

# Of what JetStream answers to a command: `stored`, or nothing at all.
stored() { case "$1" in *'"error"'*) ;; *'"stream"'*'"seq"'*) echo stored ;; esac; }

not_stored() {
  echo "$id: not stored, or nobody said so: run this again with the same ID" >&2
  exit 1
}

if command -v nats >/dev/null; then
  # It ends with 0 also when there is no answer, so what counts is what was answered.
  ask() { nats --server "$url" --inbox-prefix "${NATS_INBOX_PREFIX:-_INBOX}" --timeout 10s request --raw "$@" || true; }
  answer="$(ask carillon.api.schedule "$command")"
  case "$answer" in
    *'"status":"accepted"'*) echo "$id: accepted"; exit 0 ;;
    *'"status"'*) echo "$id: refused: $answer" >&2; exit 1 ;;
  esac
  # Nobody is there to check it. The stream takes it in, and it is checked when somebody is.
  [ "$(stored "$(ask carillon.command.schedule "$command")")" ] || not_stored
  echo "$id: stored, not checked"
  exit 0
fi

address="${url#nats://}"
inbox="_INBOX.sh.$$.$RANDOM"
exec 3<>"/dev/tcp/${address%%:*}/${address##*:}"
printf 'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\nSUB %s 1\r\nPUB carillon.command.schedule %s %d\r\n%s\r\n' \
  "$inbox" "$inbox" "${#command}" "$command" >&3
while read -r -t 10 line <&3; do
  case "$line" in
    -ERR*) echo "$line" >&2; exit 1 ;;
    PING*) printf 'PONG\r\n' >&3 ;;
    NATS/1.0\ 503*) not_stored ;; # no stream takes it in
    '{'*) [ "$(stored "$line")" ] || not_stored; echo "$id: stored, not checked"; exit 0 ;;
  esac
done
not_stored
