// Alerts and dashboards in the cluster: those that are tested elsewhere, all of them, and still what they were.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parse } from "yaml"
import { faults, promql } from "../../support/Queries.ts"
import { root } from "../Code.ts"
import { called, ofKind, type Release } from "../Objects.ts"
import { some, type Topic } from "../Rule.ts"

interface Rule {
  readonly alert?: string
  readonly record?: string
  expr: string | number
}
const tested = (
  parse(readFileSync(join(root, "deploy/prometheus/carillon.rules.yaml"), "utf8")) as {
    readonly groups: ReadonlyArray<{ readonly rules: ReadonlyArray<Rule> }>
  }
).groups.flatMap(({ rules }) => rules)

const named = ({ alert, record }: { readonly alert?: string; readonly record?: string }) => alert ?? record ?? ""

const rulesOf = (release: Release) =>
  ofKind(release, "PrometheusRule")
    .flatMap(({ spec }) => spec.groups ?? [])
    .flatMap(({ rules }) => rules ?? [])

/** What in Prometheus all series of a release have, and of no other; the operator adds the namespace. */
const ownMatchers = (release: Release): ReadonlyArray<string> => {
  const endpoints = [
    ...ofKind(release, "PodMonitor").flatMap(({ spec }) => spec.podMetricsEndpoints ?? []),
    ...ofKind(release, "ServiceMonitor").flatMap(({ spec }) => spec.endpoints ?? [])
  ]
  const labelled = endpoints.flatMap(({ relabelings = [] }) => relabelings)
  return [
    `namespace="${release.namespace}"`,
    ...labelled.map(({ targetLabel, replacement }) => `${targetLabel}="${replacement}"`)
  ]
}

const selectorsOf = (expression: string) => {
  const found: Array<string> = []
  promql.parse(expression).iterate({
    enter: ({ from, name, to }) => {
      if (name === "VectorSelector") found.push(expression.slice(from, to))
    }
  })
  return found
}

/** As it is tested: without what names the release. */
const plain = (release: Release, expression: string | number | undefined) =>
  squeezed(expression)
    .replaceAll(`{${ownMatchers(release)}}`, "")
    .replaceAll(`{${ownMatchers(release)},`, "{")

/** Alerts that would fire for ever without a ledger. */
const unheard = (release: Release) =>
  release.objects.some(({ metadata }) => metadata.labels?.["app.kubernetes.io/component"] === "ledger")
    ? []
    : ["CarillonLedgerSilent", "CarillonWatchdogSilent"]

const squeezed = (expression: string | number | undefined) => String(expression).replace(/\s+/g, " ").trim()

const dashboards = (release: Release) =>
  ofKind(release, "ConfigMap").filter(
    ({ data = {} }) => Object.keys(data).some((file) => file.endsWith(".json")) && isBoard(data)
  )
const isBoard = (data: Readonly<Record<string, string>>) =>
  Object.values(data).some((text) => text.includes('"schemaVersion"'))

export const monitoring: Topic = {
  about: "Prometheus and Grafana",
  rules: [
    {
      says: "are given rules in PromQL",
      broken: (release) =>
        rulesOf(release).flatMap((rule) =>
          faults(promql, String(rule.expr)).map((fault) => `${named(rule)}: ${fault}`)
        ),
      bites: {
        "a bracket that is missing": (release) => {
          some(rulesOf(release)).expr = "sum(rate(carillon_events_appended_total[5m])"
        }
      }
    },
    {
      says: "are given the rules that are tested, all but those that the values leave out",
      broken: (release) => {
        if (ofKind(release, "PrometheusRule").length === 0) return []
        const here = rulesOf(release)
        const left = [...(release.given.monitoring?.rules?.excludeRules ?? []), ...unheard(release)]
        return tested
          .filter((rule) => !left.includes(named(rule)))
          .filter(
            (rule) => !here.some((it) => named(it) === named(rule) && plain(release, it.expr) === squeezed(rule.expr))
          )
          .map((rule) => `${named(rule)} is not there as it is tested`)
      },
      bites: {
        "one left out": (release) => {
          const groups = ofKind(release, "PrometheusRule").flatMap(({ spec }) => spec.groups ?? [])
          some(groups, ({ rules }) => Boolean(rules?.length)).rules = []
        },
        "another threshold": (release) => {
          some(rulesOf(release), ({ alert }) => alert !== undefined).expr = "vector(1)"
        }
      }
    },
    {
      // Another release that is well would hide that this one is gone; and Alertmanager would take two alerts for one.
      says: "are given rules that look at this release alone, and say so",
      broken: (release) =>
        rulesOf(release).flatMap((rule) => {
          const others = selectorsOf(String(rule.expr)).filter((selector) =>
            ownMatchers(release).some((matcher) => !selector.includes(matcher))
          )
          const told = Object.entries(rule.labels ?? {}).map(([label, value]) => `${label}="${value}"`)
          const untold = ownMatchers(release).filter((matcher) => !told.includes(matcher))
          return [...others, ...untold].map((what) => `${named(rule)}: ${what}`)
        }),
      bites: {
        "one that looks at all": (release) => {
          some(rulesOf(release)).expr = "absent(carillon_queues_looked_at_seconds)"
        },
        "one that looks at another namespace": (release) => {
          const rule = some(rulesOf(release))
          rule.expr = String(rule.expr).replace(/namespace="[^"]+"/, 'namespace="other"')
        },
        "one that does not say so": (release) => {
          delete some(rulesOf(release)).labels
        },
        "a monitor that calls it otherwise": (release) => {
          const [endpoint] = some(ofKind(release, "PodMonitor")).spec.podMetricsEndpoints ?? []
          some(endpoint?.relabelings ?? []).replacement = "other"
        }
      }
    },
    {
      says: "are given a runbook with each alert",
      broken: (release) =>
        rulesOf(release)
          .filter(({ alert, annotations }) => alert && !annotations?.runbook_url?.endsWith(`/${alert}.md`))
          .map(named),
      bites: {
        none: (release) => {
          delete some(rulesOf(release), ({ alert }) => alert !== undefined).annotations
        }
      }
    },
    {
      says: "are given all dashboards, whole",
      broken: (release) => {
        const found = dashboards(release)
        if (found.length === 0) return []
        const files = readdirSync(join(root, "deploy/grafana/dashboards"))
        const texts = found.flatMap(({ data = {} }) => Object.values(data))
        return [
          ...files
            .filter((file) => {
              const text = readFileSync(join(root, "deploy/grafana/dashboards", file), "utf8")
              return !texts.some((it) => squeezed(it) === squeezed(text))
            })
            .map((file) => `${file} is not there as it is in deploy/grafana`),
          ...found
            .filter(({ metadata }) => !metadata.labels?.grafana_dashboard)
            .map((it) => `${called(it)} has no label`)
        ]
      },
      bites: {
        "one cut off": (release) => {
          const { data = {} } = some(dashboards(release))
          for (const [file, text] of Object.entries(data)) data[file] = text.slice(0, -20)
        }
      }
    }
  ]
}
