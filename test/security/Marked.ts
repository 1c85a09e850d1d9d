// Processes with marked secrets, and where the marks would show: in what they write, and in the arguments of all of them.
import { spawn } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import { eventually } from "../support/Carillon.ts"
import { compileCache, nothingRuns } from "../support/CompileCache.ts"

const root = join(import.meta.dirname, "../..")

export const mark = "CANARYSECRET"
const inBase64 = Buffer.from(`${mark}${"x".repeat(32)}`).toString("base64")
/** Whatever is a secret, in a shape that is taken. */
export const secrets = {
  TELEGRAM_BOT_TOKEN: `424242:${mark}`,
  TELEGRAM_BOT_TOKENS: `north=424243:${mark}`,
  TELEGRAM_WEBHOOK_SECRET: `${mark}-0123456789`,
  WEBHOOK_SECRET: `whsec_${inBase64}`,
  OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${mark}`
}

/** The mark itself, and as it is in what is encoded. */
export const shows = (text: string) => text.includes(mark) || text.includes(inBase64.slice(0, 16))

const parentOf = (pid: string) => {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[1]
  } catch {
    return undefined
  }
}

/** Of a process and all that it has started. */
const argumentsOf = (pid: number): string => {
  const parents = new Map(
    readdirSync("/proc").flatMap((one) => (/^\d+$/.test(one) ? [[one, parentOf(one)]] : [])) as never
  )
  const own = [String(pid)]
  for (const one of own) own.push(...[...parents].flatMap(([child, parent]) => (parent === one ? [String(child)] : [])))
  return own
    .map((one) => {
      try {
        return readFileSync(`/proc/${one}/cmdline`, "utf8").replaceAll("\0", " ")
      } catch {
        return ""
      }
    })
    .join("\n")
}

export interface Seen {
  readonly output: string
  readonly arguments: string
}

/** `ended`: by itself; a pattern: has written it; a URL: answers there with 2xx. */
export type Until = "ended" | RegExp | string

const reached = (until: Until, output: () => string) =>
  typeof until !== "string"
    ? Effect.sync(() => until.test(output()))
    : until === "ended"
      ? Effect.succeed(false)
      : Effect.promise(() =>
          fetch(until).then(
            ({ ok }) => ok,
            () => false
          )
        )

/** Runs until then, or until it has ended; arguments are looked at all the while. */
export const watched = (
  command: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>>,
  until: Until = "ended"
) =>
  Effect.gen(function* () {
    const [program = "", ...args] = command
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(program, args, {
          cwd: root,
          env: {
            PATH: process.env.PATH,
            ...nothingRuns,
            ...compileCache,
            LOG_LEVEL: "Trace",
            LOG_FORMAT: "json",
            ...environment
          },
          stdio: ["ignore", "pipe", "pipe"]
        })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    let [output, seen] = ["", ""]
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output += chunk
      })
    }
    let ended = false
    child.on("close", () => {
      ended = true
    })
    const look = Effect.gen(function* () {
      if (child.pid !== undefined) seen += argumentsOf(child.pid)
      return { done: ended || (yield* reached(until, () => output)), output: output.slice(-2_000) }
    })
    yield* eventually(`${command.join(" ")} gets to ${until}`, look, ({ done }) => done)
    return { output, arguments: seen } satisfies Seen
  }).pipe(Effect.scoped)
