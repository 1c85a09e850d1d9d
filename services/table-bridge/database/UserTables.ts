// The user's tables as SQL: reads rows as text, so that no value of theirs can make a statement fail.
import { Effect } from "effect"
import type { Query } from "#shared/postgres/Postgres.ts"
import type { Bridge, Condition } from "../BridgeConfig.ts"
import { BridgeRefused } from "../BridgeRefused.ts"
import type { RawRow } from "../rows/Sight.ts"
import { columnTypes, keyOf } from "./Catalogue.ts"
import { name, table, text } from "./Sql.ts"

export interface UserTables {
  readonly idType: string
  /** $1: ids as text. */
  readonly byIds: string
  /** $1: the last id as text or null, $2: how many. In the order of their ids. */
  readonly after: string
  /** The types of the columns that are written back. */
  readonly types: ReadonlyMap<string, string>
}

/** Everything that is not as the configuration says, at once. Before they are migrated, the tables lack what is added. */
export const userTables = Effect.fnUntraced(function* (query: Query, bridge: Bridge, migrated = true) {
  const { messages, patients, tracking } = bridge
  const ofMessages = yield* columnTypes(query, table(messages))
  const ofPatients = yield* columnTypes(query, table(patients))
  const problems = [
    ...missing(table(messages), ofMessages, [
      ...[messages.id, messages.patient, messages.due, messages.text, messages.timeZone, messages.platform],
      messages.when?.column,
      messages.unless?.column
    ]),
    ...missing(table(patients), ofPatients, [patients.id, patients.timeZone, ...Object.values(patients.addresses)]),
    ...(ofMessages.size > 0 && migrated ? missing(table(messages), ofMessages, Object.values(tracking)) : []).map(
      (problem) => `${problem}: run carillon bridge migrate`
    )
  ]
  for (const one of [messages, patients]) problems.push(...(yield* ambiguous(query, one)))
  const dueType = ofMessages.get(messages.due)
  const local = dueType?.startsWith("timestamp") && dueType.endsWith("without time zone")
  if (dueType !== undefined && !/^timestamp(\(\d\))? with/.test(dueType)) {
    problems.push(
      `${messages.due} is of type ${dueType}: it must be timestamptz, or timestamp with a time zone beside it`
    )
  }
  if (local && !messages.timeZone && !patients.timeZone && !bridge.defaults.timeZone) {
    problems.push(`${messages.due} is a local time: name the column of its time zone, or defaults.timeZone`)
  }
  if (Object.keys(patients.addresses).length === 0) problems.push("patients.addresses names no column")
  if (problems.length > 0) return yield* new BridgeRefused({ problem: problems.join("\n") })
  const select = selectOf(bridge, ofMessages, local === true)
  const id = `m.${name(messages.id)}`
  const idType = ofMessages.get(messages.id) ?? "text"
  const found: UserTables = {
    idType,
    byIds: `${select} WHERE ${id} = ANY($1::text[]::${idType}[])`,
    after: `${select} WHERE $1::text IS NULL OR ${id} > $1::text::${idType} ORDER BY ${id} LIMIT $2`,
    types: ofMessages
  }
  // Tried once without a row: what Postgres does not take for its types it would take for none.
  yield* query(found.after, [null, 0]).pipe(
    Effect.catchDefect((defect) => {
      const types = `column ${messages.patient} is of type ${ofMessages.get(messages.patient)}, and ${patients.id} of ${table(patients)} of type ${ofPatients.get(patients.id)}`
      return new BridgeRefused({ problem: `${(defect as Error).message}: ${types}; they must be comparable` })
    })
  )
  return found
})

/** Of several rows with one id another's text would be sent, or to another's address. */
const ambiguous = Effect.fnUntraced(function* (query: Query, { id, ...named }: Bridge["messages" | "patients"]) {
  const on = table(named)
  const found = yield* keyOf(query, on, id)
  if (!found?.hasColumn) return []
  if (!found.isTable) return [`${on} is no table: a bridge needs one, whose triggers note what changes`]
  if (found.hasChildren) return [`${on} has children that inherit from it: no unique index holds across them`]
  if (found.isUnique) return []
  return [
    `${on} has no unique index on ${id} alone: where several rows have one, any of them might be sent, or to any address. CREATE UNIQUE INDEX ON ${on} (${name(id)})`
  ]
})

const missing = (
  relation: string,
  found: ReadonlyMap<string, string>,
  wanted: ReadonlyArray<string | undefined>
): Array<string> =>
  found.size === 0
    ? [`there is no table ${relation}`]
    : wanted.flatMap((column) =>
        column === undefined || found.has(column) ? [] : [`table ${relation} has no column ${column}`]
      )

const instant = (column: string, local: boolean) => {
  const format = `YYYY-MM-DD"T"HH24:MI:SS.US`
  return `CASE WHEN isfinite(${column}) THEN ${
    local ? `to_char(${column}, '${format}')` : `to_char(${column} AT TIME ZONE 'UTC', '${format}"Z"')`
  } ELSE CASE WHEN ${column} IS NOT NULL THEN 'infinity' END END`
}

const holds = ({ column, in: values }: Condition) => {
  const value = `m.${name(column)}::text`
  return values === undefined
    ? `coalesce(${value} NOT IN ('false', ''), false)`
    : `coalesce(${value} IN (${values.map(text).join(", ") || "NULL"}), false)`
}

const selectOf = (
  { messages: m, patients: p, tracking, defaults }: Bridge,
  found: ReadonlyMap<string, string>,
  local: boolean
) => {
  const added = (column: string) => (found.has(column) ? `m.${name(column)}::text` : "NULL::text")
  const zones = [
    ...(m.timeZone ? [`m.${name(m.timeZone)}::text`] : []),
    ...(p.timeZone ? [`p.${name(p.timeZone)}::text`] : []),
    ...(defaults.timeZone ? [text(defaults.timeZone)] : [])
  ]
  const off = [...(m.when ? [`NOT ${holds(m.when)}`] : []), ...(m.unless ? [holds(m.unless)] : [])]
  const addresses = Object.entries(p.addresses).flatMap(([kind, column]) =>
    column === undefined ? [] : [`${text(kind)}, p.${name(column)}::text`]
  )
  const columns: { readonly [Key in keyof RawRow]: string } = {
    rowId: `m.${name(m.id)}::text`,
    patientId: `m.${name(m.patient)}::text`,
    due: instant(`m.${name(m.due)}`, local),
    zone: local ? `coalesce(${zones.join(", ")})` : "NULL::text",
    text: `m.${name(m.text)}::text`,
    platform: m.platform ? `m.${name(m.platform)}::text` : "NULL::text",
    priority: added(tracking.priority),
    metadata: added(tracking.metadata),
    off: off.length === 0 ? "false" : `(${off.join(" OR ")})`,
    addresses: `jsonb_build_object(${addresses.join(", ")})`
  }
  return `SELECT ${Object.entries(columns)
    .map(([key, sql]) => `${sql} AS "${key}"`)
    .join(", ")}
    FROM ${table(m)} m LEFT JOIN ${table(p)} p ON p.${name(p.id)} = m.${name(m.patient)}`
}
