#!/usr/bin/env bash
# Schedules a message from the shell: with the nats command where it is installed, else with nothing but bash. The command
# knows NATS_NKEY, the file with our seed; bash cannot sign with it, and does for a server without users.
set -euo pipefail
# The protocol counts bytes, and so does bash with this.
export LC_ALL=C

id="${1:-sh-$(date +%s%N)}"
due_at="${2:-$(date -u -d '1 minute' +%Y-%m-%dT%H:%M:%SZ)}"
chat_id="${3:-123456789}"
url="${NATS_URL:-nats://127.0.0.1:4222}"
command="{\"id\":\"$id\",\"platform\":\"telegram\",\"recipient\":{\"chatId\":\"$chat_id\"},\"content\":{\"type\":\"text\",\"text\":\"Grüße from the shell\"},\"dueAt\":\"$due_at\"}"

if command -v nats >/dev/null; then
  nats --server "$url" --inbox-prefix "${NATS_INBOX_PREFIX:-_INBOX}" request carillon.api.schedule "$command"
  exit
fi

address="${url#nats://}"
exec 3<>"/dev/tcp/${address%%:*}/${address##*:}"
printf 'CONNECT {"verbose":false}\r\nPUB carillon.command.schedule %d\r\n%s\r\nPING\r\n' "${#command}" "$command" >&3
while read -r -t 10 line <&3; do
  case "$line" in
    -ERR*) echo "$line" >&2; exit 1 ;;
    PONG*) echo "$id: published"; exit 0 ;;
  esac
done
echo "the server did not answer" >&2
exit 1
