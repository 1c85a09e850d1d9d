// The rules of deploy/prometheus for a PrometheusRule: each alert in a file of its own, so that single ones can be left out.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { parse, stringify } from "yaml"

interface Group {
  readonly name: string
  readonly rules: ReadonlyArray<{ readonly alert?: string; readonly record?: string }>
}

const { groups } = parse(readFileSync(join(import.meta.dirname, "../../prometheus/carillon.rules.yaml"), "utf8")) as {
  readonly groups: ReadonlyArray<Group>
}

const alerts = groups.flatMap(({ rules }) => rules).filter(({ alert }) => alert !== undefined)

export const alertFiles = new Map(
  alerts.map((rule) => [`${rule.alert}.yaml`, stringify(rule, { lineWidth: 0 })] as const)
)

/** Groups of what alerts are computed from. */
export const records = stringify(
  groups.filter(({ rules }) => rules.every(({ alert }) => alert === undefined)),
  { lineWidth: 0 }
)
