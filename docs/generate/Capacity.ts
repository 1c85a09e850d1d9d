// The tables of docs/capacity.md, worked out from the figures of docs/benchmarks.md: a new run of the benchmark renews both.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { docsFolder } from "./Folders.ts"

const pageOf = (name: string) => readFileSync(join(docsFolder, name), "utf8")

const parts = ["scheduler", "dispatcher", "telegram-gateway", "ledger", "nats-server", "Postgres"] as const
type Part = (typeof parts)[number]

/** Of a message: microseconds of CPU by process, and bytes. */
export interface Figures {
  readonly cpu: Readonly<Record<Part, number>>
  readonly bytes: Readonly<Record<"log" | "record" | "content" | "timer", number>>
  /** Of 100,000 that wait, in MB: what nats-server has in memory above what it had before. */
  readonly pendingMemory: number
}

const rows = (page: string) =>
  page.split("\n").flatMap((line) => {
    const [, what, measured, floor] = line.split("|").map((cell) => cell.trim())
    return what && measured ? [{ what, measured, floor: floor ?? "" }] : []
  })

const numberIn = (text: string) => Number(/[\d,.]+/.exec(text)?.[0].replaceAll(",", ""))

/** Fails with the name of what the page does not say. */
export const figuresOf = (page: string): Figures => {
  const all = rows(page)
  const row = (matches: RegExp) => {
    const found = all.find(({ what }) => matches.test(what))
    if (!found)
      throw new Error(`docs/benchmarks.md has no row like ${matches}: run npm run bench, and put its table there`)
    return found
  }
  const cpu = (part: Part) =>
    numberIn(/accepting (\d+)/.exec(row(new RegExp(`^– ${part}: accepting`)).what)?.[1] ?? "") +
    numberIn(row(new RegExp(`^– ${part}$`)).measured)
  const bytes = (what: string) => numberIn(row(new RegExp(`^a message of \\d+ characters: in ${what}`)).measured)
  const memory = row(/^100,000 pending: memory of nats-server/)
  return {
    cpu: Object.fromEntries(parts.map((part) => [part, cpu(part)])) as Record<Part, number>,
    bytes: {
      log: bytes("the stream EVENTS"),
      record: bytes("the tables, its record"),
      content: bytes("the tables, its text"),
      timer: bytes("the stream TIMERS")
    },
    pendingMemory: numberIn(memory.measured) - numberIn(memory.floor.replace(/^.*:/, ""))
  }
}

/** A process of Node works on one core; a third of it is left for what comes at once. */
const share = 0.7
const perBot = 25
const logDays = 30
const contentDays = 30

const digits = (n: number) => n.toLocaleString("en", { maximumFractionDigits: n < 10 ? 1 : 0 })
const gigabytes = (bytes: number) => `${bytes < 5e7 ? "under 0.1" : digits(bytes / 1e9)} GB`
const cores = (n: number) => (n < 0.1 ? "under 0.1" : digits(n))

const line = ({ bytes, cpu }: Figures, perMinute: number) => {
  const perSecond = perMinute / 60
  const perDay = perMinute * 1_440
  const load = (part: Part) => (perSecond * cpu[part]) / 1e6
  const processes = (part: Part) => Math.ceil(load(part) / share)
  const ledger = load("ledger") > share ? "**more than one can do**" : "2"
  return [
    digits(perMinute),
    Math.max(2, processes("scheduler")),
    Math.max(2, processes("dispatcher")),
    `${processes("telegram-gateway") + 1}`,
    Math.ceil(perSecond / perBot),
    ledger,
    cores(load("nats-server")),
    cores(load("Postgres")),
    gigabytes(perDay * logDays * bytes.log),
    gigabytes(perDay * contentDays * bytes.content),
    gigabytes(perDay * bytes.record)
  ].join(" | ")
}

const rates = [60, 600, 1_500, 6_000, 30_000, 120_000]

export const capacity = (figures: Figures): string => {
  const { bytes, cpu, pendingMemory } = figures
  const waiting = [100_000, 1_000_000]
  return [
    "| messages a minute | schedulers | dispatchers | Telegram gateways | bots | ledgers | cores for NATS | cores for Postgres | `EVENTS`, 30 days | text and address, 30 days | records, each day |",
    `|${"---|".repeat(11)}`,
    ...rates.map((rate) => `| ${line(figures, rate)} |`),
    "",
    "| messages that wait | `TIMERS` on the disk | memory of NATS for them |",
    "|---|---|---|",
    ...waiting.map(
      (count) =>
        `| ${digits(count)} | ${gigabytes(count * bytes.timer)} | ${digits((pendingMemory * count) / 100_000)} MB |`
    ),
    "",
    "| of one message | scheduler | dispatcher | Telegram gateway | ledger | nats-server | Postgres |",
    "|---|---|---|---|---|---|---|",
    `| CPU | ${parts.map((part) => `${digits(cpu[part])} µs`).join(" | ")} |`,
    "",
    `Bytes of one message with a text of 65 characters, sent at the first try: ${digits(bytes.log)} in \`EVENTS\`, ${digits(bytes.record)} in the`,
    `tables as its record, ${digits(bytes.content)} as its text and address; ${digits(bytes.timer)} in \`TIMERS\` while it waits.`
  ].join("\n")
}

const marks = /(<!-- npm run docs makes this from benchmarks\.md -->)[\s\S]*(<!-- until here -->)/

/** The page with its tables as the benchmark's page has them by now. */
export const capacityPage = (): ReadonlyMap<string, string> => {
  const page = pageOf("capacity.md")
  if (!marks.test(page)) throw new Error("docs/capacity.md has lost the marks between which its tables stand")
  const tables = capacity(figuresOf(pageOf("benchmarks.md")))
  const text = page.replace(marks, (_, before: string, after: string) => `${before}\n\n${tables}\n\n${after}`)
  return new Map([["capacity.md", text]])
}
