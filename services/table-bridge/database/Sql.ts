// Names and texts as Postgres wants them quoted: the tables are the user's, their names come from a file.

export const name = (identifier: string) => `"${identifier.replaceAll('"', '""')}"`
/** Statements never hold one of a row: those are sent beside the statement. */
export const text = (value: string) => `'${value.replaceAll("'", "''")}'`

interface Named {
  readonly schema?: string
  readonly table: string
}
export const table = ({ schema = "public", table }: Named) => `${name(schema)}.${name(table)}`
