// Carillon on a nats-server that knows the users of Permissions.ts and nobody else, one credential for each process.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { connect, nkeyAuthenticator } from "@nats-io/transport-node"
import { Effect } from "effect"
import { inboxPrefix } from "#shared/nats/access/Grants.ts"
import { publicKey } from "#shared/nats/access/KeyFiles.ts"
import type { User } from "#shared/nats/access/Permissions.ts"
import { serverUsers, serviceUsers } from "#shared/nats/access/ServerUsers.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { carillon, type Settings } from "../support/Carillon.ts"
import { cli } from "../support/Cli.ts"
import { testNatsWith } from "../support/servers/TestNats.ts"

export const publishers: ReadonlyArray<User> = [
  { name: "clinic", role: "publisher" },
  { name: "hospital", role: "publisher", commands: ["schedule"] }
]

export const followers: ReadonlyArray<User> = [
  { name: "outcomes", role: "follower" },
  { name: "desk", role: "follower", types: ["reply-received", "opted-out"] }
]

export const users: ReadonlyArray<User> = [...serviceUsers, ...publishers, ...followers]

/** What the command line is told of the followers. */
export const followerFlags = ["--follower", "outcomes", "--follower", "desk=reply-received,opted-out"]

const senders = [
  { platform: "telegram", sender: "default" },
  { platform: "webhook", sender: "default" }
] as const

/** As `carillon nats users` prints it, with further users beside those above. */
export const usersConfiguration = (further: ReadonlyArray<User>, folder: string) =>
  serverUsers([...users, ...further], senders, (name) => publicKey(folder, name), "8G")

/** Keys, and the configuration that names them. */
export const keyring = Effect.gen(function* () {
  const folder = yield* temporaryFolder("keys")
  const seedOf = (name: string) => join(folder, `${name}.nk`)
  return {
    folder,
    configuration: usersConfiguration([], folder),
    environmentOf: (name: string) => ({ NATS_NKEY: seedOf(name), NATS_INBOX_PREFIX: inboxPrefix(name) }),
    /** A plain client with a user's credentials; closed when the scope closes. */
    connectAs: (url: string, name: string) =>
      Effect.acquireRelease(
        Effect.promise(() =>
          connect({
            servers: url,
            inboxPrefix: inboxPrefix(name),
            authenticator: nkeyAuthenticator(new TextEncoder().encode(readFileSync(seedOf(name), "utf8"))),
            timeout: 10_000
          })
        ),
        (connection) => Effect.promise(() => connection.close())
      )
  }
})

/** A server with all users, streams and consumers, and no service. */
export const provisioned = Effect.gen(function* () {
  const keys = yield* keyring
  const nats = yield* testNatsWith({ extra: [keys.configuration] })
  const made = yield* cli({ NATS_URL: nats.url, ...keys.environmentOf("provisioner") })([
    "nats",
    "provision",
    ...followerFlags
  ])
  if (made.code !== 0) return yield* Effect.die(made.err)
  return { nats, keys, connectAs: (name: string) => keys.connectAs(nats.url, name) }
})

export const guarded = Effect.fnUntraced(function* (settings: Settings = {}) {
  const keys = yield* keyring
  const all = yield* carillon({
    ...settings,
    natsConfiguration: keys.configuration,
    environment: { STREAMS_MANAGE: "none", ...settings.environment },
    environmentOf: keys.environmentOf
  })
  const { database, nats } = all
  return {
    ...all,
    keys,
    connectAs: (name: string) => keys.connectAs(nats.url, name),
    /** The command line with the credentials of a user. */
    runAs: (name: string) =>
      cli({ NATS_URL: nats.url, DATABASE_URL: database.url, STREAMS_MANAGE: "none", ...keys.environmentOf(name) }),
    serverLog: Effect.sync(() => readFileSync(join(nats.storeDir, "nats-server.log"), "utf8"))
  }
})

export const violations = (log: string) => log.split("\n").filter((line) => /violation/i.test(line))
