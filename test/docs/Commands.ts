// The commands that a page tells its reader to type, each held against what there is: the command line's own parser,
// package.json, the files of the project, its settings.
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer } from "effect"
import { CliError, CliOutput, Command } from "effect/cli"
import { carillon } from "../../cli/Carillon.ts"
import { withNegativeValues } from "../../cli/input/Arguments.ts"
import { type Block, type Page, root } from "./Markdown.ts"
import { isLostPath } from "./References.ts"
import { isSetting } from "./Settings.ts"
import { type Typed, typed } from "./Shell.ts"

/** Where these are used, the first line of the block says what a reader needs for it. */
const marks: Readonly<Record<string, RegExp>> = {
  helm: /^# needs a cluster/,
  kubectl: /^# needs a cluster/,
  kind: /^# needs a cluster/,
  docker: /^# needs (Docker|a cluster)/,
  cosign: /^# needs .*\bcosign\b/
}

/** What a machine has, or its package manager gives. */
const tools = new Set(
  `apt-get cat cd chmod chown chronyc cp createdb curl cut date df echo find git grep head install journalctl
   kill ln ls mkdir mv nats nats-server openssl pg_dump pg_restore psql read rm systemctl systemd-analyze
   tar tee timedatectl umask useradd`.split(/\s+/)
)

const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly scripts: object }

const parsedWell = "parsed well"

/** Parsed by the command line itself, which ends before anything is done. */
const parsing = Command.runWith(
  Command.validate(carillon, () => Effect.fail(new CliError.ValidationError({ message: parsedWell }))),
  { version: "", renderErrors: false }
)
const services = Layer.mergeAll(NodeServices.layer, CliOutput.layerPresenter({ present: () => Effect.void }))

/** With `loosely`, words may stand for something: only the names of commands and flags count. */
export const carillonProblem = (args: ReadonlyArray<string>, loosely = false): Effect.Effect<string | undefined> =>
  parsing(withNegativeValues([...args])).pipe(
    Effect.as(undefined),
    Effect.catch((error) => {
      if (!CliError.isCliError(error)) return Effect.die(error)
      const errors = error._tag === "ShowHelp" ? error.errors : [error]
      if (errors.some(({ message }) => message === parsedWell)) return Effect.succeed(undefined)
      const counts = errors.filter(
        ({ _tag }) => !loosely || _tag === "UnrecognizedOption" || _tag === "UnknownSubcommand"
      )
      const told = counts.map(({ message }) => message).join("; ")
      return Effect.succeed(told || (loosely ? undefined : "is not a whole command"))
    }),
    Effect.provide(services)
  ) as Effect.Effect<string | undefined>

const npmProblem = ([verb = "", script = ""]: ReadonlyArray<string>) => {
  if (["ci", "start", "test"].includes(verb)) return undefined
  if (verb !== "run") return `npm ${verb} is not known here`
  return Object.hasOwn(scripts, script) ? undefined : `package.json has no script ${script}`
}

const problemOf: (one: Typed, block: Block) => Effect.Effect<string | undefined> = Effect.fnUntraced(function* (
  { variables, words },
  block
) {
  for (const name of variables.filter((name) => /^[A-Z]/.test(name)))
    if (!(yield* Effect.promise(() => isSetting(name)))) return `${name} is no setting`
  const [path = "", ...args] = words
  const program = path === "npx" ? (args.shift() ?? "") : path.replace(/^\.\//, "")
  const mark = marks[program]
  if (mark) {
    if (!mark.test(block.text)) return `${program} stands in a block that does not say what it needs`
    // What is run inside.
    const inside = args.indexOf("--")
    return inside < 0 ? undefined : yield* problemOf({ variables: [], words: args.slice(inside + 1) }, block)
  }
  const lost = words.find(isLostPath)
  if (lost !== undefined) return `there is no ${lost}`
  if (program === "carillon") return yield* carillonProblem(args)
  if (program === "npm") return npmProblem(args)
  const known = program === "" || program === "node" || tools.has(program) || existsSync(join(root, program))
  return known ? undefined : `${program} is not known here`
})

/** What is wrong with the commands of a page, and with those that it names in passing. */
export const commandProblems = Effect.fnUntraced(function* ({ blocks, spans }: Page) {
  const found: Array<string> = []
  for (const block of blocks.filter(({ language }) => language === "sh")) {
    for (const one of typed(block.text)) {
      const problem = yield* problemOf(one, block)
      if (problem !== undefined) found.push(`${one.words.join(" ")}: ${problem}`)
    }
  }
  for (const span of spans) {
    const [program, script] = span.split(" ")
    if (program === "npm" && script !== undefined) {
      const problem = npmProblem(span.split(" ").slice(1))
      if (problem !== undefined) found.push(`${span}: ${problem}`)
    }
    if (program !== "carillon" && program !== "./carillon") continue
    const words = span
      .replace(/[[\]]|…/g, "")
      .split(/\s+/)
      .slice(1)
    const problem = yield* carillonProblem(words, true)
    if (problem !== undefined) found.push(`${span}: ${problem}`)
  }
  return found
})
