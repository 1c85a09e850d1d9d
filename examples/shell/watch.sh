#!/usr/bin/env bash
# Shows what becomes of messages while it runs, with the nats command: subjects and headers only, no text and no addresses.
# Where NATS has users this is for the operator: NATS_NKEY=operator.nk NATS_INBOX_PREFIX=_INBOX.operator
set -euo pipefail
nats --server "${NATS_URL:-nats://127.0.0.1:4222}" --inbox-prefix "${NATS_INBOX_PREFIX:-_INBOX}" \
  subscribe 'carillon.event.>' --headers-only
