// docs/configuration.md: every setting of every process, for who deploys.
import { type Reader, type SettingInWords, type SettingsByReader, services, settingsByReader } from "./Settings.ts"

interface Row extends SettingInWords {
  readonly readers: ReadonlyArray<Reader>
}

const gateways: ReadonlyArray<Reader> = services.filter((name) => name.endsWith("-gateway"))
const title = (name: string) => `${name[0]?.toUpperCase()}${name.slice(1).replaceAll("-", " ")}`

/** In the order of the page. The first that matches has it. */
const sections: ReadonlyArray<{
  readonly title: string
  readonly about: string
  readonly has: (row: Row, of: ReadonlyArray<Reader>) => boolean
}> = [
  {
    title: "NATS",
    about:
      "What protects what, and how to log in with the least that each service needs: [security.md](security.md). The names are those of the `nats` command line.",
    has: ({ key }, of) => /^(NATS|STREAMS)_/.test(key) && of.length === services.length
  },
  {
    title: "Probes, metrics and logs",
    about: "`/livez`, `/readyz` and `/metrics` answer on `HTTP_PORT`.",
    has: ({ key }) => /^(HTTP|LOG)_/.test(key)
  },
  {
    title: "Postgres",
    about: "Of the ledger and the table bridge; no other service needs it.",
    has: ({ key }, of) => key.startsWith("DATABASE_") && of.length > 1
  },
  ...services.map((name) => ({
    title: title(name),
    about: `What it does, and what happens when something fails: [services/${name}](../services/${name}/README.md).`,
    has: (_: Row, of: ReadonlyArray<Reader>) => of.length === 1 && of[0] === name
  })),
  {
    title: "Every gateway",
    about:
      "The circuit is each sender's, with webhooks each address's: while it is open, messages wait and single ones are sent as probes.",
    has: (_, of) => of.length === gateways.length && of.every((reader) => gateways.includes(reader))
  },
  {
    title: "Traces",
    about:
      "These are variables of OpenTelemetry, which knows [some more](https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). Without an exporter or an address no traces are made.",
    has: ({ key }) => key.startsWith("OTEL_")
  },
  { title: "Node", about: "Variables of the runtime itself.", has: ({ key }) => key.startsWith("NODE_") },
  {
    title: "npm start: all on one machine",
    about: "It reads the settings of all that it runs, and these.",
    has: ({ readers }, of) => of.length === 0 && readers.includes("npm start")
  },
  {
    title: "The command line",
    about:
      "`carillon` reads the settings of NATS and Postgres too, and for `doctor` and `bridge` those of the services that it speaks of. What it does: [cli.md](cli.md).",
    has: (_, of) => of.length === 0
  }
]

const isService = (reader: Reader) => services.some((name) => name === reader)

const rowsOf = (byReader: SettingsByReader): ReadonlyArray<Row> => {
  const rows = new Map<string, Row>()
  for (const [reader, settings] of byReader) {
    for (const setting of settings) {
      rows.set(setting.key, { ...setting, readers: [...(rows.get(setting.key)?.readers ?? []), reader] })
    }
  }
  return [...rows.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
}

const readersInWords = ({ readers }: Row): string => {
  const of = readers.filter(isService)
  if (of.length === 0) return readers.join(", ")
  return [
    ...(of.length === services.length ? ["every service"] : of),
    ...readers.filter((reader) => reader === "carillon")
  ].join(", ")
}

const marks = ({ fromFile, secret }: SettingInWords): string => {
  const found = [...(secret ? ["secret"] : []), ...(fromFile ? [] : ["environment only"])]
  return found.length === 0 ? "" : ` (${found.join(", ")})`
}

const cell = (text: string) => text.replaceAll("|", "\\|")

const table = (rows: ReadonlyArray<Row>) =>
  [
    "| setting | without it | takes | | read by |",
    "|---|---|---|---|---|",
    ...rows.map((row) => {
      const cells = [`\`${row.key}\`${marks(row)}`, row.otherwise, row.takes, row.says, readersInWords(row)]
      return `| ${cells.map(cell).join(" | ")} |`
    })
  ].join("\n")

const page = (rows: ReadonlyArray<Row>): string => {
  const sectionOf = (row: Row) => {
    const found = sections.find(({ has }) => has(row, row.readers.filter(isService)))
    if (!found) throw new Error(`docs/generate/Configuration.ts has no section for ${row.key}`)
    return found
  }
  const placed = Map.groupBy(rows, sectionOf)
  const parts = sections.flatMap((section) => {
    const found = placed.get(section)
    return found ? [`## ${section.title}\n\n${section.about}\n\n${table(found)}`] : []
  })
  return `# Configuration

Generated from the code by \`npm run docs\`: each setting is declared where it is read (\`shared/service/Settings.ts\`). Edit that,
not this page.

A service is configured by its environment, and reads it once, when it starts, but for files of which it is said that they are
read anew. What it cannot use stops it, with a line that names the setting and says what was expected. An empty variable is one
that is not there. A variable that is one slip away from a setting is told in the log.

**Any setting may stand in a file**, as orchestrators mount secrets: \`TELEGRAM_BOT_TOKEN_FILE\` names the file whose content is
\`TELEGRAM_BOT_TOKEN\`. It goes before the setting itself, and without its last line break. Not so what is marked
*environment only*: that is for OpenTelemetry, for Node, or needed before anything else. What is marked *secret* belongs into a
file wherever others may see a process's environment.

What a deployment has to give is \`NATS_URL\`; to the ledger \`DATABASE_URL\`; to each gateway the token or secret of its senders.
Everything else has a default to begin with.

${parts.join("\n\n")}
`
}

export const configuration: Promise<ReadonlyMap<string, string>> = settingsByReader.then(
  (byReader) => new Map([["configuration.md", page(rowsOf(byReader))]])
)
