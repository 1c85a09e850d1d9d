// What people read: tables, instants, lateness. What programs read is JSON.
import { styleText } from "node:util"
import { Console, Logger } from "effect"

/** What is waited for, and why: commands that may wait for long say it on stderr, as services do in their log. */
export const telling = Logger.layer([
  Logger.withConsoleError(Logger.make(({ message }) => [message].flat().map(String).join(" ")))
])

export const json = (value: unknown) => Console.log(JSON.stringify(value))

/** Columns as wide as their widest cell; nothing to the right of the last. */
export const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: ReadonlyArray<string>) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd()
  return [styleText("bold", line(head)), ...rows.map(line)].join("\n")
}

/** A span of time as people say it: 12 ms, 3.4 s, 5 min, 2.5 h, 3 d. */
export const span = (millis: number): string => {
  const size = Math.abs(millis)
  if (size < 1_000) return `${Math.round(millis)} ms`
  if (size < 60_000) return `${(millis / 1_000).toFixed(1)} s`
  if (size < 3_600_000) return `${Math.round(millis / 60_000)} min`
  if (size < 172_800_000) return `${(millis / 3_600_000).toFixed(1)} h`
  return `${Math.round(millis / 86_400_000)} d`
}

/** 512 B, 1.5 kB, 20 MB, 3.2 GB. */
export const size = (bytes: number): string => {
  if (bytes < 1_000) return `${bytes} B`
  const [amount, unit] = bytes < 1e6 ? [bytes / 1e3, "kB"] : bytes < 1e9 ? [bytes / 1e6, "MB"] : [bytes / 1e9, "GB"]
  return `${amount.toFixed(amount < 10 ? 1 : 0)} ${unit}`
}

/** Distance from one instant to another: +12 ms, -2.0 s. */
export const offset = (from: string, to: string): string => {
  const millis = Date.parse(to) - Date.parse(from)
  return `${millis < 0 ? "" : "+"}${span(millis)}`
}

export const dash = (value: string | number | null | undefined) =>
  value === null || value === undefined ? "-" : String(value)
