// Where NATS is and who we are to it: NATS_NKEY is the file with our seed, NATS_INBOX_PREFIX where we may hear answers.
import { readFileSync } from "node:fs"
import { connect, nkeyAuthenticator } from "@nats-io/transport-node"

const { NATS_INBOX_PREFIX, NATS_NKEY, NATS_URL = "nats://127.0.0.1:4222" } = process.env

export const connection = await connect({
  servers: NATS_URL,
  ...(NATS_NKEY && {
    authenticator: nkeyAuthenticator(new TextEncoder().encode(readFileSync(NATS_NKEY, "utf8").trim()))
  }),
  ...(NATS_INBOX_PREFIX && { inboxPrefix: NATS_INBOX_PREFIX })
})
