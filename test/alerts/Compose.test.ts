// The files for people with Docker, as far as they can be checked without it.
import { copyFileSync, existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { parse } from "yaml"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { page } from "../docs/Markdown.ts"
import { complaint, withTools } from "../support/servers/PrometheusTools.ts"

const deploy = join(import.meta.dirname, "../../deploy")
const compose = join(deploy, "compose")

interface Service {
  readonly image: string
  readonly volumes?: ReadonlyArray<string>
}
const { services, volumes } = parse(readFileSync(join(compose, "compose.yaml"), "utf8")) as {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: object
}

describe("docker compose", () => {
  it.each(Object.entries(services))(
    "%s is pinned, and what it mounts is there",
    (_, { image, volumes: mounts = [] }) => {
      assert.match(image, /:v?\d+\.\d+\.\d+$/)
      for (const mount of mounts) {
        const from = mount.split(":")[0] ?? ""
        const there = from.startsWith(".")
          ? from.endsWith(".carillon") || existsSync(join(compose, from))
          : from in volumes
        assert.isTrue(there, mount)
      }
    }
  )

  it("looks into Postgres as who reads no text and no address", () => {
    const { environment } = services.grafana as Service & { readonly environment: Readonly<Record<string, string>> }
    assert.strictEqual(environment.CARILLON_POSTGRES_USER, "${CARILLON_POSTGRES_USER:-carillon_reader}")
    assert.include(readFileSync(join(compose, "README.md"), "utf8"), "-f deploy/postgres/roles.sql")
  })

  it("is told to start once the folder of the logs is there, which would else be made by Docker, as root's", () => {
    const told = readFileSync(join(compose, "README.md"), "utf8")
    const made = told.indexOf("mkdir -p .carillon\n")
    assert.isAbove(made, 0)
    assert.isBelow(made, told.indexOf("docker compose"))
  })

  it("lets the collector pass the attributes that the services may set, and no others", () => {
    const { processors } = parse(readFileSync(join(compose, "collector.yaml"), "utf8"))
    const code = readFileSync(join(deploy, "../shared/telemetry/Attributes.ts"), "utf8")
    const list = code.slice(code.indexOf("const spanKeys"), code.indexOf("])"))
    const ours = [...list.matchAll(/"([a-z_.]+)"/g)].map(([, key]) => key)
    assert.sameMembers(processors.redaction.allowed_keys, [...ours, "service.name", "service.version"])
    assert.isFalse(processors.redaction.allow_all_keys)
  })
})

describe("the configurations", () => {
  it.live("of Prometheus and Alertmanager are taken by their own tools", () =>
    withTools((tools) =>
      Effect.gen(function* () {
        const at = yield* temporaryFolder("compose")
        copyFileSync(join(compose, "prometheus.yaml"), join(at, "prometheus.yaml"))
        copyFileSync(join(deploy, "prometheus/carillon.rules.yaml"), join(at, "carillon.rules.yaml"))
        assert.strictEqual(yield* complaint(tools.promtool, ["check", "config", "prometheus.yaml"], at), "")
        for (const file of ["alertmanager/alertmanager.yaml", "compose/alertmanager.yaml"]) {
          assert.strictEqual(yield* complaint(tools.amtool, ["check-config", file], deploy), "", file)
        }
        assert.notStrictEqual(yield* complaint(tools.amtool, ["check-config", "compose/compose.yaml"], deploy), "")
      })
    )
  )

  it.each(["prometheus/prometheus.yaml", "compose/prometheus.yaml"])("%s hands its alerts to somebody", (file) => {
    const { alerting, rule_files } = parse(readFileSync(join(deploy, file), "utf8"))
    assert.deepStrictEqual(rule_files, ["carillon.rules.yaml"])
    assert.match(alerting?.alertmanagers[0].static_configs[0].targets[0], /^\w+:9093$/)
  })

  it("of Prometheus and Alertmanager are where the installation leads to, so that alerts reach people", () => {
    assert.includeMembers(
      [...page("docs/installation.md").links],
      ["../deploy/prometheus/prometheus.yaml", "../deploy/alertmanager/alertmanager.yaml"]
    )
  })
})
