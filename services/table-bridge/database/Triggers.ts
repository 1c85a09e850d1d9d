// The triggers on the user's tables: they note, in the application's own transaction, which rows changed. They look at
// nothing else, so they cannot disagree with the application; and if even that fails, the application goes on.
import { type Bridge, messageInputs, patientInputs } from "../BridgeConfig.ts"
import { name, table, text } from "./Sql.ts"

const functionName = ({ name: bridge }: Bridge, what: "messages" | "patients") =>
  `carillon_bridge.${name(`${what}_of_${bridge}`)}`

/** Compared as text: not every type has an equality. */
const differ = (columns: ReadonlyArray<string>) =>
  columns.map((column) => `n.${name(column)}::text IS DISTINCT FROM o.${name(column)}::text`).join(" OR ")

// The message names no value. A cancelled statement is still cancelled: OTHERS does not catch that.
const unharmed = `EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'carillon: a change was not noted (SQLSTATE %): run carillon bridge backfill', SQLSTATE;
  RETURN NULL;
END $body$`

const header = (called: string) =>
  `CREATE OR REPLACE FUNCTION ${called}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN`

const messagesFunction = (bridge: Bridge) => {
  const id = name(bridge.messages.id)
  const put = (columns: string) => `INSERT INTO carillon_bridge.changes (bridge, row_id${columns})`
  const self = text(bridge.name)
  return `${header(functionName(bridge, "messages"))}
  IF TG_OP = 'INSERT' THEN
    ${put("")} SELECT ${self}, n.${id}::text FROM new_rows n;
  ELSIF TG_OP = 'UPDATE' THEN
    ${put(", gone")} SELECT ${self}, coalesce(n.${id}, o.${id})::text, n.${id} IS NULL
    FROM new_rows n FULL JOIN old_rows o ON n.${id} = o.${id}
    WHERE n.${id} IS NULL OR o.${id} IS NULL OR ${differ(messageInputs(bridge))};
  ELSIF TG_OP = 'DELETE' THEN
    ${put(", gone")} SELECT ${self}, o.${id}::text, true FROM old_rows o;
  ELSE
    ${put(", gone")} SELECT ${self}, row_id, true FROM carillon_bridge.tracked WHERE bridge = ${self} AND NOT gone;
  END IF;
  RETURN NULL;
${unharmed}`
}

const patientsFunction = (bridge: Bridge) => {
  const id = name(bridge.patients.id)
  const put = "INSERT INTO carillon_bridge.changes (bridge, patient_id)"
  const self = text(bridge.name)
  return `${header(functionName(bridge, "patients"))}
  IF TG_OP = 'INSERT' THEN
    ${put} SELECT ${self}, n.${id}::text FROM new_rows n;
  ELSIF TG_OP = 'UPDATE' THEN
    ${put} SELECT ${self}, coalesce(n.${id}, o.${id})::text
    FROM new_rows n FULL JOIN old_rows o ON n.${id} = o.${id} WHERE ${differ(patientInputs(bridge))};
  ELSE
    ${put} SELECT ${self}, o.${id}::text FROM old_rows o;
  END IF;
  RETURN NULL;
${unharmed}`
}

const events = {
  insert: "REFERENCING NEW TABLE AS new_rows",
  update: "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
  delete: "REFERENCING OLD TABLE AS old_rows",
  truncate: ""
} as const

/** The two may be triggers on one table. */
const triggerName = ({ name: bridge }: Bridge, what: "messages" | "patients", event: string) =>
  `carillon_${what}_${event}_${bridge}`

const triggersOn = (bridge: Bridge, what: "messages" | "patients") => {
  const names =
    what === "messages"
      ? (["insert", "update", "delete", "truncate"] as const)
      : (["insert", "update", "delete"] as const)
  return names.map((event) => ({
    event,
    trigger: name(triggerName(bridge, what, event)),
    on: table(bridge[what]),
    what
  }))
}

const allTriggers = (bridge: Bridge) => [...triggersOn(bridge, "messages"), ...triggersOn(bridge, "patients")]

export const dropTriggers = (bridge: Bridge): ReadonlyArray<string> => [
  ...allTriggers(bridge).map(({ trigger, on }) => `DROP TRIGGER IF EXISTS ${trigger} ON ${on}`),
  ...(["messages", "patients"] as const).map((what) => `DROP FUNCTION IF EXISTS ${functionName(bridge, what)}()`)
]

export const createTriggers = (bridge: Bridge): ReadonlyArray<string> => [
  ...allTriggers(bridge).map(({ trigger, on }) => `DROP TRIGGER IF EXISTS ${trigger} ON ${on}`),
  messagesFunction(bridge),
  patientsFunction(bridge),
  `REVOKE ALL ON FUNCTION ${functionName(bridge, "messages")}(), ${functionName(bridge, "patients")}() FROM PUBLIC`,
  ...allTriggers(bridge).map(
    ({ event, trigger, on, what }) =>
      `CREATE TRIGGER ${trigger} AFTER ${event.toUpperCase()} ON ${on} ${events[event]} FOR EACH STATEMENT EXECUTE FUNCTION ${functionName(bridge, what)}()`
  )
]

/** For a check: the names of the triggers there must be. */
export const triggerNames = (bridge: Bridge) =>
  allTriggers(bridge).map(({ event, what }) => ({ table: bridge[what], trigger: triggerName(bridge, what, event) }))
