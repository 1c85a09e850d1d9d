// Seeds of users, each in a file that only its owner reads: <folder>/<user>.nk. The server needs the public half alone.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { nkeys } from "@nats-io/transport-node"

/** The public key of a user; its seed is made if there is none, and is never told. */
export const publicKey = (folder: string, user: string): string => {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, `${user}.nk`)
  try {
    // `wx`: one that is there is kept.
    writeFileSync(file, nkeys.createUser().getSeed(), { mode: 0o600, flag: "wx" })
  } catch (error) {
    if ((error as { readonly code?: string }).code !== "EEXIST") throw error
  }
  return nkeys.fromSeed(new TextEncoder().encode(readFileSync(file, "utf8").trim())).getPublicKey()
}
