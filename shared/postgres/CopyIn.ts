// COPY … FROM STDIN with all rows at hand: they are sent along with the statement, in one step. The library for it waits
// for Postgres to ask for them, and so for us, who prepare what comes next.
import type pg from "pg"

/** What `pg` has for this, and does not declare. */
interface Connection extends pg.Connection {
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

/** `rows` in the format that the statement names. Postgres takes all of them or none. */
export const copyIn = (client: pg.ClientBase, sql: string, rows: Buffer) =>
  new Promise<void>((resolve, reject) => {
    client.query({
      submit: (connection: pg.Connection) => {
        const open = connection as Connection
        open.query(sql)
        // Where the statement fails, the protocol has Postgres pass over these.
        open.sendCopyFromChunk(rows)
        open.endCopyFrom()
      },
      handleError: reject,
      handleReadyForQuery: () => resolve(),
      handleCopyInResponse: () => {},
      handleCommandComplete: () => {}
    } as pg.Submittable)
  })
