// Tells what was found, for people or for programs; with a problem among it the command fails.
import { styleText } from "node:util"
import { Console, Effect } from "effect"
import type { Finding } from "#shared/service/Findings.ts"
import { ProblemsFound } from "./Exit.ts"
import { json as printJson } from "./Print.ts"

export const tellFindings = Effect.fnUntraced(function* (findings: ReadonlyArray<Finding>, json: boolean) {
  const wrong = findings.filter(({ ok }) => !ok).length
  if (json) yield* printJson({ ok: wrong === 0, findings })
  else {
    yield* Effect.forEach(findings, (one) => Console.log(`${mark(one)}  ${one.check}: ${one.detail}`))
  }
  if (wrong > 0) return yield* new ProblemsFound({ message: `${wrong} of ${findings.length} checks found a problem` })
})

const mark = ({ ok, warning }: Finding) =>
  warning ? styleText("yellow", "warning") : ok ? styleText("green", "ok     ") : styleText("red", "problem")
