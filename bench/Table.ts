// What a measurement has to say, and how it is printed: one row a figure, beside it the floor and what it is to reach.

export type Unit = "/s" | "ms" | "s" | "µs" | "MB" | "B" | "%" | ""

export interface Row {
  readonly what: string
  readonly measured: number
  readonly unit: Unit
  /** What the machine gave in the same run without Carillon, or at rest. */
  readonly floor?: { readonly what: string; readonly value: number }
  readonly target?: Target
}

export interface Target {
  readonly says: string
  readonly reached: boolean
}

export const atLeast = (measured: number, least: number, unit: Unit): Target => ({
  says: `at least ${show(least, unit)}`,
  reached: measured >= least
})

export const atMost = (measured: number, most: number, unit: Unit): Target => ({
  says: `at most ${show(most, unit)}`,
  reached: measured <= most
})

/** Three digits that say something, or all before the point. */
const digits = (n: number) => {
  const places = Math.abs(n) >= 100 || Number.isInteger(n) ? 0 : Math.abs(n) >= 10 ? 1 : 2
  return n.toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: places })
}

export const show = (n: number, unit: Unit) => `${digits(n)}${unit === "/s" || unit === "" ? "" : " "}${unit}`

/** Of rates how much of the floor is reached; of times and sizes how many floors they are. */
const ratio = ({ measured, unit, floor }: Row) => {
  if (!floor || floor.value === 0) return ""
  const of = measured / floor.value
  return unit === "/s" ? `${Math.round(of * 100)} %` : `${digits(of)} ×`
}

const line = (row: Row) =>
  [
    row.what,
    show(row.measured, row.unit),
    row.floor ? `${row.floor.what}: ${show(row.floor.value, row.unit)}` : "",
    ratio(row),
    row.target?.says ?? "",
    row.target ? (row.target.reached ? "yes" : "**no**") : ""
  ].join(" | ")

export const table = (rows: ReadonlyArray<Row>) =>
  [
    "| what | measured | floor, same run | ratio | target | reached |",
    "|---|---|---|---|---|---|",
    ...rows.map((row) => `| ${line(row)} |`)
  ].join("\n")
