// Whether a text is a query of its language, by that language's own grammar.
import type { Parser } from "@lezer/common"

export { parser as logql } from "@grafana/lezer-logql"
export { parser as traceql } from "@grafana/lezer-traceql"
export { parser as promql } from "@prometheus-io/lezer-promql"

/** Where it is not. */
export const faults = (parser: Parser, text: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  parser.parse(text).iterate({
    enter: ({ from, to, type }) => {
      if (type.isError) found.push(`at ${from}: ${text.slice(from, to + 20)}`)
    }
  })
  return found
}
