// Tells the command line where the running servers are. It holds the database's password: for this user's eyes only.
import { rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect } from "effect"
import { home } from "./Home.ts"
import type { Servers } from "./LocalServers.ts"

const file = join(home, "run.json")

export const publishRunFile = ({ settings }: Servers) =>
  Effect.acquireRelease(
    Effect.promise(() =>
      writeFile(
        file,
        JSON.stringify({ pid: process.pid, natsUrl: settings.NATS_URL, databaseUrl: settings.DATABASE_URL }),
        { mode: 0o600 }
      )
    ),
    () => Effect.promise(() => rm(file, { force: true }))
  )
