// Every way to say who we are to NATS and whom we trust, against a real server that demands it; and what was renewed.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { nkeys } from "@nats-io/transport-node"
import { ConfigProvider, Effect, Layer } from "effect"
import { Nats } from "#shared/nats/connection/Nats.ts"
import { Readiness } from "#shared/service/Readiness.ts"
import { secretFiles } from "#shared/service/SecretFiles.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { eventually } from "../support/Carillon.ts"
import { selfSigned, stranger } from "../support/servers/SelfSigned.ts"
import { testNatsWith } from "../support/servers/TestNats.ts"

const layer = (environment: Record<string, string>) =>
  Nats.layerWithoutWaiting.pipe(
    Layer.provide(Readiness.layer),
    Layer.provide(secretFiles),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(environment))),
    Layer.fresh
  )

const connects = (environment: Record<string, string>) =>
  Effect.match(Effect.scoped(Layer.build(layer(environment))), {
    onSuccess: () => "in",
    onFailure: (error) => error.message
  })

const files = Effect.map(temporaryFolder("secrets"), (folder) => ({
  write: (name: string, content: string) => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
}))

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")
const seedOf = (pair: nkeys.KeyPair) => new TextDecoder().decode(pair.getSeed())

/** A token of NATS, signed as nsc does. */
const jwt = (by: nkeys.KeyPair, of: nkeys.KeyPair, nats: object) => {
  const claims = {
    jti: "x",
    iat: Math.floor(Date.now() / 1_000),
    iss: by.getPublicKey(),
    name: "x",
    sub: of.getPublicKey(),
    nats
  }
  const signed = `${encode({ typ: "JWT", alg: "ed25519-nkey" })}.${encode(claims)}`
  return `${signed}.${Buffer.from(by.sign(new TextEncoder().encode(signed))).toString("base64url")}`
}

const unlimited = { subs: -1, data: -1, payload: -1 }

/** An operator, an account with JetStream, and credentials of a user in it. */
const operatorMode = () => {
  const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()]
  const system = nkeys.createAccount()
  const limits = {
    ...unlimited,
    imports: -1,
    exports: -1,
    wildcards: true,
    conn: -1,
    leaf: -1,
    mem_storage: -1,
    disk_storage: -1,
    streams: -1,
    consumer: -1
  }
  const accountJwt = jwt(operator, account, { type: "account", version: 2, limits })
  const userJwt = jwt(account, user, { type: "user", version: 2, pub: {}, sub: {}, ...unlimited })
  return {
    configuration: `operator: "${jwt(operator, operator, { type: "operator", version: 2 })}"
resolver: MEMORY
system_account: ${system.getPublicKey()}
resolver_preload {
  ${system.getPublicKey()}: "${jwt(operator, system, { type: "account", version: 2, limits: { ...unlimited, conn: -1 } })}"
  ${account.getPublicKey()}: "${accountJwt}"
}`,
    creds: `-----BEGIN NATS USER JWT-----\n${userJwt}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seedOf(user)}\n------END USER NKEY SEED------\n`
  }
}

describe("who we are to NATS", () => {
  it.live("is said by user and password, given, in a file, or in the address", () =>
    Effect.gen(function* () {
      const { write } = yield* files
      const { port, url } = yield* testNatsWith({
        extra: ['authorization { user: "carillon", password: "CANARY-right" }']
      })
      const user = { NATS_URL: url, NATS_USER: "carillon" }
      assert.strictEqual(yield* connects({ ...user, NATS_PASSWORD: "CANARY-right" }), "in")
      assert.strictEqual(yield* connects({ ...user, NATS_PASSWORD_FILE: write("good", "CANARY-right\n") }), "in")
      assert.strictEqual(yield* connects({ NATS_URL: `nats://carillon:CANARY-right@127.0.0.1:${port}` }), "in")
      const url_file = write("url", `nats://carillon:CANARY-right@127.0.0.1:${port}`)
      assert.strictEqual(yield* connects({ NATS_URL_FILE: url_file }), "in")
      for (const wrong of [
        { NATS_PASSWORD: "CANARY-wrong" },
        { NATS_PASSWORD_FILE: write("bad", "CANARY-wrong") },
        {}
      ]) {
        const said = yield* connects({ ...user, ...wrong })
        assert.match(said, /Authorization Violation/i)
        assert.notInclude(said, "CANARY")
      }
    })
  )

  it.live("is said by a token, given, in a file, or in the address", () =>
    Effect.gen(function* () {
      const { write } = yield* files
      const { port, url } = yield* testNatsWith({ extra: ['authorization { token: "CANARY-right" }'] })
      assert.strictEqual(yield* connects({ NATS_URL: url, NATS_TOKEN: "CANARY-right" }), "in")
      assert.strictEqual(yield* connects({ NATS_URL: url, NATS_TOKEN_FILE: write("good", "CANARY-right\n") }), "in")
      assert.strictEqual(yield* connects({ NATS_URL: `nats://CANARY-right@127.0.0.1:${port}` }), "in")
      assert.match(yield* connects({ NATS_URL: url, NATS_TOKEN: "CANARY-wrong" }), /Authorization Violation/i)
    })
  )

  it.live("is said by a key", () =>
    Effect.gen(function* () {
      const { write } = yield* files
      const [known, unknown] = [nkeys.createUser(), nkeys.createUser()]
      const { url } = yield* testNatsWith({ extra: [`authorization { users: [ { nkey: ${known.getPublicKey()} } ] }`] })
      assert.strictEqual(yield* connects({ NATS_URL: url, NATS_NKEY: write("known", `${seedOf(known)}\n`) }), "in")
      assert.match(yield* connects({ NATS_URL: url, NATS_NKEY: write("unknown", seedOf(unknown)) }), /Authorization/i)
    })
  )

  it.live("is said by credentials of nsc", () =>
    Effect.gen(function* () {
      const { write } = yield* files
      const { configuration, creds } = operatorMode()
      const { url } = yield* testNatsWith({ extra: [configuration] })
      assert.strictEqual(yield* connects({ NATS_URL: url, NATS_CREDS: write("good", creds) }), "in")
      const others = write("others", operatorMode().creds)
      assert.match(yield* connects({ NATS_URL: url, NATS_CREDS: others }), /Authorization/i)
    })
  )

  it.live("is refused where it cannot be used, by the setting and its file, without what is in it", () =>
    Effect.gen(function* () {
      const { write } = yield* files
      const bad = write("bad", "CANARY-content")
      const empty = write("empty", "\n")
      const large = write("large", "CANARY".repeat(20_000))
      for (const [environment, says] of [
        [{ NATS_CREDS: bad }, `NATS_CREDS names ${bad}`],
        [{ NATS_NKEY: bad }, `NATS_NKEY names ${bad}`],
        [{ NATS_NKEY: "/no/such" }, "NATS_NKEY names /no/such"],
        [{ NATS_USER: "x", NATS_PASSWORD_FILE: empty }, `NATS_PASSWORD_FILE names ${empty}`],
        [{ NATS_TOKEN_FILE: large }, `NATS_TOKEN_FILE names ${large}`],
        [{ NATS_CA: "/no/such" }, "NATS_CA names /no/such"],
        [{ NATS_CERT: bad }, "NATS_CERT and NATS_KEY belong together"],
        [{ NATS_TOKEN: "CANARY", NATS_USER: "CANARY" }, "Give one of NATS_USER and NATS_TOKEN"],
        [{ NATS_URL_FILE: "/no/such" }, "NATS_URL_FILE names /no/such"],
        [{ NATS_INBOX_PREFIX: "carillon.command" }, "NATS_INBOX_PREFIX"]
      ] as const) {
        const said = yield* connects(environment)
        assert.include(said, says)
        assert.notInclude(said, "CANARY")
      }
    })
  )

  it.live("is read again when a connection is made again: a renewed password needs no restart", () =>
    Effect.gen(function* () {
      const { write } = yield* files
      const file = write("password", "first")
      const nats = yield* testNatsWith({ extra: ['authorization { user: "carillon", password: "first" }'] })
      yield* Effect.gen(function* () {
        const { connection } = yield* Nats
        yield* nats.stop
        const renewed = yield* testNatsWith({
          extra: ['authorization { user: "carillon", password: "second" }'],
          port: nats.port
        })
        write("password", "second")
        yield* eventually(
          "connected again",
          Effect.promise(() =>
            connection.flush().then(
              () => connection.getServer(),
              () => ""
            )
          ),
          (server) => server.endsWith(String(renewed.port))
        )
      }).pipe(
        Effect.provide(layer({ NATS_URL: nats.url, NATS_USER: "carillon", NATS_PASSWORD_FILE: file })),
        Effect.scoped
      )
    })
  )
})

describe("whom we trust", () => {
  const tls = (write: (name: string, content: string) => string, more = "") =>
    `tls { cert_file: "${write("server.pem", selfSigned.cert)}", key_file: "${write("server.key", selfSigned.key)}" ${more} }`

  it.live("is the server that the own authority vouches for, and no other", () =>
    Effect.gen(function* () {
      const { write } = yield* files
      const { port } = yield* testNatsWith({ extra: [tls(write)] })
      const address = { NATS_URL: `tls://localhost:${port}` }
      assert.strictEqual(yield* connects({ ...address, NATS_CA: write("ca.pem", selfSigned.cert) }), "in")
      assert.match(yield* connects(address), /self-signed certificate/i)
      assert.match(yield* connects({ ...address, NATS_CA: write("no.pem", stranger.cert) }), /certificate/i)
      const byAddress = { NATS_URL: `tls://127.0.0.1:${port}`, NATS_CA: write("ca.pem", selfSigned.cert) }
      assert.match(yield* connects(byAddress), /IP|altnames/i)
    })
  )

  it.live("is never a server without TLS where an authority is named", () =>
    Effect.gen(function* () {
      const { write } = yield* files
      const { url } = yield* testNatsWith({})
      assert.match(yield* connects({ NATS_URL: url, NATS_CA: write("ca.pem", selfSigned.cert) }), /tls/i)
    })
  )

  it.live("is told by our own certificate who we are, also where TLS comes first", () =>
    Effect.gen(function* () {
      const { write } = yield* files
      const trusted = write("trusted.pem", selfSigned.cert)
      for (const first of [false, true]) {
        const more = `, ca_file: "${trusted}", verify: true, handshake_first: ${first}`
        const { port } = yield* testNatsWith({ extra: [tls(write, more)] })
        const address = { NATS_URL: `tls://localhost:${port}`, NATS_CA: trusted, NATS_TLS_FIRST: String(first) }
        const own = { NATS_CERT: write("own.pem", selfSigned.cert), NATS_KEY: write("own.key", selfSigned.key) }
        const other = { NATS_CERT: write("other.pem", stranger.cert), NATS_KEY: write("other.key", stranger.key) }
        assert.strictEqual(yield* connects({ ...address, ...own }), "in")
        assert.notStrictEqual(yield* connects({ ...address, ...other }), "in")
        assert.notStrictEqual(yield* connects(address), "in")
      }
    })
  )
})
