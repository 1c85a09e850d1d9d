// The tables of the capacity page follow from the benchmark's page, by the formulas that it states.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { capacity, figuresOf } from "../../docs/generate/Capacity.ts"

const row = (what: string, measured: string, floor = "") => `| ${what} | ${measured} | ${floor} |  |  |  |`
const parts = ["scheduler", "dispatcher", "telegram-gateway", "ledger", "nats-server", "Postgres"]
const page = [
  ...parts.map((part) => row(`– ${part}: accepting 100, until due 2, from then 1`, "103 µs")),
  ...parts.map((part) => row(`– ${part}`, "1,900 µs")),
  row("a message of 65 characters: in the stream EVENTS, sent", "3,000 B"),
  row("a message of 65 characters: in the tables, its record, sent", "2,000 B"),
  row("a message of 65 characters: in the tables, its text and address", "200 B"),
  row("a message of 65 characters: in the stream TIMERS while it waits", "1,000 B"),
  row("100,000 pending: memory of nats-server", "350 MB", "before the first: 50.5 MB")
].join("\n")

describe("capacity", () => {
  it("is worked out from what a message takes", () => {
    const text = capacity(figuresOf(page))
    // 100 a second at 2,000 µs are a fifth of a core; four bots; 6,000 a minute are 8.64 million a day.
    assert.include(text, "| 6,000 | 2 | 2 | 2 | 4 | 2 | 0.2 | 0.2 | 778 GB | 52 GB | 17 GB |")
    // 2,000 a second are four cores of each: six processes at 70 %, and more than a ledger can do.
    assert.include(text, "| 120,000 | 6 | 6 | 7 | 80 | **more than one can do** | 4 | 4 |")
    assert.include(text, "| 1,000,000 | 1 GB | 2,995 MB |")
  })

  it("names what the benchmark's page does not say", () => {
    assert.throws(() => figuresOf(page.replace("– ledger: accepting", "– ledgers: accepting")), /– ledger: accepting/)
  })

  it("can be worked out from the page as it is", () => {
    const figures = figuresOf(readFileSync(join(import.meta.dirname, "../../docs/benchmarks.md"), "utf8"))
    const all = [...Object.values(figures.cpu), ...Object.values(figures.bytes), figures.pendingMemory]
    assert.isTrue(all.every((figure) => figure > 0))
  })
})
