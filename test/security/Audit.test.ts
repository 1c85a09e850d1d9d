// The audit of dependencies, as CI runs it, against a registry that knows of an advisory, of none, or does not answer.
import { spawn } from "node:child_process"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { signatures } from "../../deploy/audit/Judge.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"

const root = join(import.meta.dirname, "../..")

const advisory = (severity: string) => ({
  pg: [{ id: 1, url: "https://example.com/1", title: "x", severity, vulnerable_versions: "<999", cwe: [], cvss: {} }]
})

const packument = (name: string) => ({
  name,
  "dist-tags": { latest: "8.23.1" },
  versions: { "8.23.1": { name, version: "8.23.1" } }
})

/** Status 0 is nobody. */
const audited = Effect.fnUntraced(function* (status: number, body: object) {
  const server = yield* Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer((request, response) => {
        const bulk = request.url?.endsWith("/advisories/bulk")
        request.resume().on("end", () => {
          response.writeHead(bulk ? status : 200, { "content-type": "application/json" })
          response.end(JSON.stringify(bulk ? body : packument(request.url?.slice(1) ?? "")))
        })
      }).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )
  const { port } = server.address() as AddressInfo
  const cache = yield* temporaryFolder("npm")
  return yield* Effect.callback<{ readonly code: number | null; readonly out: string }>((resume) => {
    const child = spawn(process.execPath, ["deploy/audit/main.ts"], {
      cwd: root,
      env: {
        ...process.env,
        npm_config_cache: cache,
        npm_config_registry: `http://127.0.0.1:${status === 0 ? 1 : port}/`
      }
    })
    let out = ""
    child.stdout.on("data", (chunk) => {
      out += chunk
    })
    child.on("close", (code) => resume(Effect.succeed({ code, out })))
  })
})

describe("the audit of dependencies", () => {
  it.live("fails on an advisory of high severity about what we ship", () =>
    Effect.gen(function* () {
      const { code, out } = yield* audited(200, advisory("high"))
      assert.match(out, /^high: pg/m)
      assert.strictEqual(code, 1)
    })
  )

  it.live("says a lesser one, and passes", () =>
    Effect.gen(function* () {
      const { code, out } = yield* audited(200, advisory("moderate"))
      assert.match(out, /^moderate: pg/m)
      assert.strictEqual(code, 0)
    })
  )

  it.live("passes where there is none", () =>
    Effect.gen(function* () {
      const { code, out } = yield* audited(200, {})
      assert.match(out, /^0 dependencies have advisories/m)
      assert.strictEqual(code, 0)
    })
  )

  it.live("says that nothing was audited where nobody can be asked, and passes", () =>
    Effect.gen(function* () {
      for (const status of [0, 405, 503]) {
        const { code, out } = yield* audited(status, {})
        assert.match(out, /NOT AUDITED/, String(status))
        assert.strictEqual(code, 0)
      }
    })
  )

  it("fails on a signature that is not the registry's", () => {
    assert.isTrue(signatures(JSON.stringify({ invalid: [{ name: "pg" }], missing: [] })).failed)
    assert.isFalse(signatures(JSON.stringify({ invalid: [], missing: [{ name: "pg" }] })).failed)
  })
})
