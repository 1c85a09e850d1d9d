// A folder for what is needed for a while, which the user that Postgres runs as may enter too.
import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"

/** Removed, with all that is in it, when the scope closes. */
export const temporaryFolder = (name: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const path = mkdtempSync(join(tmpdir(), `carillon-${name}-`))
      chmodSync(path, 0o755)
      return path
    }),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
