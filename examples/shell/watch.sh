#!/usr/bin/env bash
# Follows what becomes of messages, with the nats command: subjects and headers only, no text and no addresses.
set -euo pipefail
nats --server "${NATS_URL:-nats://127.0.0.1:4222}" subscribe 'carillon.event.*.*' --headers-only
