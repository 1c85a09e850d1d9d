// The example receivers, as docs/webhook.md has them, against the gateway's own posts.
import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { Outcome } from "#shared/gateway/Outcome.ts"
import { signer } from "../../services/webhook-gateway/Signature.ts"
import { eventually } from "../support/Carillon.ts"
import { installed } from "../support/Missing.ts"
import { attemptTo, postAs, secret, text } from "./Posting.ts"

const root = join(import.meta.dirname, "../..")

const running = Effect.fnUntraced(function* (command: string, path: string) {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(command, [join(root, path)], { env: { PATH: process.env.PATH, PORT: "0", WEBHOOK_SECRET: secret } })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )
  let output = ""
  child.stdout.on("data", (chunk) => {
    output += chunk
  })
  const listening = Effect.sync(() => /listening on (\d+)/.exec(output)?.[1])
  const port = yield* eventually("listening", listening, (found) => found !== undefined)
  return { url: `http://127.0.0.1:${port}/in`, output: () => output }
})

/** A post by hand, as somebody else might try it. */
const tried = (url: string, id: string, timestamp: number, signature: string, body: string) =>
  Effect.promise(() =>
    fetch(url, {
      method: "POST",
      headers: { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": signature },
      body
    }).then(({ status }) => status)
  )

for (const [command, path] of [
  [process.execPath, "examples/webhook-receiver/receiver.mjs"],
  ["python3", "examples/webhook-receiver/receiver.py"]
] as const) {
  describe.skipIf(!installed(command))(`the receiver ${path}`, () => {
    it.live("takes a message once, however often it is posted, and by the new secret or the old one", () =>
      Effect.gen(function* () {
        const { output, url } = yield* running(command, path)
        const other = `whsec_${Buffer.alloc(32, 9).toString("base64")}`
        const taken = Outcome.Accepted({ providerMessageId: "appt-1" })
        for (const known of [secret, secret, `${other}:${secret}`, `${secret}:${other}`]) {
          const post = yield* postAs("default", { WEBHOOK_SECRET: known })
          assert.deepStrictEqual(yield* post(attemptTo(url)), taken)
        }
        const post = yield* postAs("default")
        assert.strictEqual((yield* post(attemptTo(url, { id: "appt-2" })))._tag, "Accepted")
        yield* eventually("told", Effect.sync(output), (told) => told.includes("appt-2"))
        assert.strictEqual(output().split("took appt-1:").length, 2)
        assert.notInclude(output(), text)
      })
    )

    it.live("refuses what somebody else signed, what was changed on its way, and what is old", () =>
      Effect.gen(function* () {
        const { output, url } = yield* running(command, path)
        const stranger = yield* postAs("default", { WEBHOOK_SECRET: `whsec_${"A".repeat(32)}` })
        assert.deepStrictEqual(yield* stranger(attemptTo(url)), Outcome.RejectedSender({ reason: "unauthorized" }))
        const body = '{"content":{"type":"text"}}'
        const now = Math.floor(Date.now() / 1_000)
        const signed = (timestamp: number) => signer(secret)({ id: "m", timestamp, body })
        assert.strictEqual(yield* tried(url, "m", now, signed(now), `${body} `), 401)
        assert.strictEqual(yield* tried(url, "other", now, signed(now), body), 401)
        assert.strictEqual(yield* tried(url, "m", now + 1, signed(now), body), 401)
        assert.strictEqual(yield* tried(url, "m", now - 600, signed(now - 600), body), 401)
        assert.strictEqual(yield* tried(url, "m", now + 600, signed(now + 600), body), 401)
        assert.strictEqual(yield* tried(url, "m", now, "v1,", body), 401)
        assert.notInclude(output(), "took")
        assert.strictEqual(yield* tried(url, "m", now, signed(now), body), 204)
      })
    )
  })

  describe.skipIf(!installed(command))(`the receiver ${path}`, () => {
    it.live("outlives who leaves in the middle, and takes neither what is no message nor too much of it", () =>
      Effect.gen(function* () {
        const { output, url } = yield* running(command, path)
        const { port } = new URL(url)
        yield* Effect.promise(async () => {
          const socket = connect(Number(port), "127.0.0.1")
          socket.on("error", () => {})
          socket.write("POST /in HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
          await once(socket, "ready")
          await new Promise((done) => socket.end(() => done(undefined)))
          await once(socket.resume(), "close")
        })
        const now = Math.floor(Date.now() / 1_000)
        const body = "no message"
        assert.strictEqual(yield* tried(url, "m", now, signer(secret)({ id: "m", timestamp: now, body }), body), 400)
        // Who is told so while still sending may hear a closed door.
        const tooMuch = yield* Effect.exit(tried(url, "m", now, "v1,", "x".repeat(1_100_000)))
        assert.isTrue(Exit.isFailure(tooMuch) || tooMuch.value === 413)
        const post = yield* postAs("default")
        assert.strictEqual((yield* post(attemptTo(url)))._tag, "Accepted")
        yield* eventually("told", Effect.sync(output), (told) => told.includes("took appt-1:"))
      })
    )

    it.live("takes a message once when it is posted several times at once", () =>
      Effect.gen(function* () {
        const { output, url } = yield* running(command, path)
        const post = yield* postAs("default")
        const taken = yield* Effect.all(
          Array.from({ length: 20 }, () => post(attemptTo(url))),
          { concurrency: 20 }
        )
        assert.isTrue(taken.every(({ _tag }) => _tag === "Accepted"))
        yield* eventually("told", Effect.sync(output), (told) => told.includes("took appt-1:"))
        assert.strictEqual(output().split("took appt-1:").length, 2)
      })
    )

    it.live.each([undefined, "", "whsec_"])("does not begin with the secret %s: anybody could sign with it", (given) =>
      Effect.promise(
        () =>
          new Promise<void>((done) => {
            const env = { PATH: process.env.PATH, PORT: "0", ...(given === undefined ? {} : { WEBHOOK_SECRET: given }) }
            execFile(command, [join(root, path)], { env, timeout: 20_000 }, (error, _, stderr) => {
              assert.strictEqual(error?.code, 2)
              assert.include(stderr, "WEBHOOK_SECRET")
              done()
            })
          })
      )
    )
  })

  it(`docs/webhook.md shows how ${path} verifies, as it is`, () => {
    const source = readFileSync(join(root, path), "utf8")
    const page = readFileSync(join(root, "docs/webhook.md"), "utf8")
    const verifying = source.slice(
      source.search(/^const verified|^def verified/m),
      source.search(/^(\/\/|#) Yours is/m)
    )
    assert.isAbove(verifying.length, 300)
    assert.include(page, verifying.trim())
  })
}
