// The table of values in the chart's README, between two marks; the rest of the page is written by hand.
import { allOf, type Entry } from "./Values.ts"

const begin = "<!-- values: generated from values.yaml by `npm run docs` -->"
const end = "<!-- values: end -->"

const cell = (text: string) => text.replaceAll("|", "\\|")
const shown = ({ entries, value }: Entry) => (entries.length > 0 ? "" : `\`${cell(JSON.stringify(value))}\``)

const row = (entry: Entry) => `| \`${entry.path.join(".")}\` | ${shown(entry)} | ${cell(entry.description)} |`

export const withTable = (page: string, values: ReadonlyArray<Entry>): string => {
  const [before, rest] = page.split(begin)
  const [, after] = rest?.split(end) ?? []
  if (before === undefined || after === undefined) throw new Error(`README.md of the chart lacks ${begin} or ${end}`)
  const table = ["| key | default | |", "| --- | --- | --- |", ...allOf(values).map(row)].join("\n")
  return `${before}${begin}\n\n${table}\n\n${end}${after}`
}
