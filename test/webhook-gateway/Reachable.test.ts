// Publishers choose where webhooks go: not into private networks, whatever a name resolves to, unless that is allowed.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import fc from "fast-check"
import { addressForbidden, guardedConnect } from "#shared/gateway/http/GuardedConnect.ts"
import { httpCalls, NotWritten } from "#shared/gateway/http/HttpCall.ts"
import { Outcome } from "#shared/gateway/Outcome.ts"
import { isPublicAddress } from "../../services/webhook-gateway/PublicAddress.ts"
import { webhookReceiver } from "../support/platforms/WebhookReceiver.ts"
import { tcpServer } from "../support/proxies/TcpServer.ts"
import { attemptTo, postAs } from "./Posting.ts"

const notPublic = [
  "0.0.0.0",
  "10.1.2.3",
  "100.64.0.1",
  "100.100.100.200",
  "127.0.0.1",
  "127.255.255.254",
  "168.63.129.16",
  "169.254.169.254",
  "172.16.0.1",
  "172.31.255.255",
  "192.0.0.192",
  "192.168.1.1",
  "198.18.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::127.0.0.1",
  "::ffff:127.0.0.1",
  "::ffff:8.8.8.8",
  "64:ff9b::10.0.0.1",
  "64:ff9b::a9fe:a9fe",
  "64:ff9b:1::1",
  "fc00::1",
  "fd00:ec2::254",
  "fe80::1",
  "fe80::1%lo",
  "fec0::1",
  "ff02::1",
  "2001::1",
  "2001:db8::1",
  "2002:7f00:1::1",
  "3fff::1",
  "100::1",
  "5f00::1",
  "not an address",
  ""
]
const isPublic = [
  "1.1.1.1",
  "8.8.8.8",
  "100.63.255.255",
  "100.128.0.1",
  "172.15.255.255",
  "172.32.0.1",
  "192.169.0.1",
  "223.255.255.255",
  "2606:4700:4700::1111",
  "2a00:1450:4001::200e",
  "64:ff9b::8.8.8.8"
]

describe("an address", () => {
  for (const address of notPublic)
    it(`${address || "empty"} is not of the public internet`, () => assert.isFalse(isPublicAddress(address)))
  for (const address of isPublic)
    it(`${address} is of the public internet`, () => assert.isTrue(isPublicAddress(address)))

  it("of IPv4 is as public as itself behind a translator, and never in IPv6 clothes", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        assert.strictEqual(isPublicAddress(`64:ff9b::${address}`), isPublicAddress(address))
        assert.isFalse(isPublicAddress(`::ffff:${address}`))
      })
    )
  })
})

/** By default: nothing is allowed. */
const outcomeOf = (url: string, settings: Readonly<Record<string, string>> = {}) =>
  Effect.flatMap(postAs("default", { WEBHOOK_ALLOW_PRIVATE: "", WEBHOOK_ALLOW_HTTP: "", ...settings }), (post) =>
    post(attemptTo(url))
  )

const forbidden = Outcome.RejectedRecipient({ reason: "address-forbidden" })
const insecure = Outcome.RejectedRecipient({ reason: "insecure-address" })

describe("a webhook to this machine", () => {
  for (const host of [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "localhost",
    "LOCALHOST",
    "0.0.0.0",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::]"
  ])
    it.live(`by the name ${host} is refused, and nothing is connected`, () =>
      Effect.gen(function* () {
        let connections = 0
        const { port } = yield* tcpServer(() => connections++)
        assert.deepStrictEqual(yield* outcomeOf(`https://${host}:${port}/`), forbidden)
        assert.deepStrictEqual(yield* outcomeOf(`http://${host}:${port}/`, { WEBHOOK_ALLOW_HTTP: "true" }), forbidden)
        assert.strictEqual(connections, 0)
      })
    )

  it.live("is let through where private addresses are allowed", () =>
    Effect.gen(function* () {
      const { root, taken } = yield* webhookReceiver()
      const settings = { WEBHOOK_ALLOW_PRIVATE: "true", WEBHOOK_ALLOW_HTTP: "true" }
      assert.strictEqual((yield* outcomeOf(root, settings))._tag, "Accepted")
      assert.strictEqual(taken.length, 1)
    })
  )

  it.live("is let through for the hosts that are listed, by that name only", () =>
    Effect.gen(function* () {
      const { root, taken } = yield* webhookReceiver()
      const settings = { WEBHOOK_ALLOW_HOSTS: "clinic.internal, LocalHost." }
      const byName = root.replace("127.0.0.1", "localhost")
      assert.strictEqual((yield* outcomeOf(byName, settings))._tag, "Accepted")
      assert.deepStrictEqual(yield* outcomeOf(root, settings), insecure)
      assert.deepStrictEqual(yield* outcomeOf(root, { ...settings, WEBHOOK_ALLOW_HTTP: "true" }), forbidden)
      assert.strictEqual(taken.length, 1)
    })
  )

  it.live("by http:// is refused where only private addresses are allowed", () =>
    Effect.gen(function* () {
      const { requests, root } = yield* webhookReceiver()
      assert.deepStrictEqual(yield* outcomeOf(root, { WEBHOOK_ALLOW_PRIVATE: "true" }), insecure)
      assert.strictEqual(requests.length, 0)
    })
  )
})

describe("a name", () => {
  it.live("that resolves to another address later is judged anew for each connection", () =>
    Effect.gen(function* () {
      let allowed = true
      const asked: Array<string> = []
      const server = yield* webhookReceiver()
      const connect = guardedConnect((address, host) => {
        asked.push(host)
        return allowed && address === "127.0.0.1"
      }, 1_000)
      const call = yield* httpCalls({ connections: 1, timeoutMs: 5_000, connect })
      const origin = server.root.replace("127.0.0.1", "localhost")
      const headers = { connection: "close" }
      const request = { origin, path: "/", method: "POST", headers, body: "{}" } as const
      const send = Effect.tryPromise({ try: (signal) => call(request, signal), catch: (error) => error })
      assert.strictEqual((yield* send).status, 204)
      allowed = false
      assert.deepStrictEqual(yield* Effect.flip(send), new NotWritten({ code: addressForbidden }))
      assert.strictEqual(server.requests.length, 1)
      assert.sameMembers([...new Set(asked)], ["localhost"])
    })
  )
})
