// Makes a database on a server, where it is missing.
import { setTimeout } from "node:timers/promises"
import pg from "pg"

/** `adminUrl` names any database of the server, and a user that may create others. A server that starts is waited for. */
export const createDatabase = async (adminUrl: string, name: string): Promise<void> => {
  const client = await connected(adminUrl, performance.now() + 60_000)
  try {
    const found = await client.query("select 1 from pg_database where datname = $1", [name])
    if (found.rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`)
  } finally {
    await client.end()
  }
}

const stillStarting = "57P03"

const connected = async (url: string, until: number): Promise<pg.Client> => {
  for (;;) {
    const client = new pg.Client({ connectionString: url })
    try {
      await client.connect()
      return client
    } catch (error) {
      await client.end().catch(() => {})
      if ((error as { readonly code?: string }).code !== stillStarting || performance.now() > until) throw error
      await setTimeout(50)
    }
  }
}
