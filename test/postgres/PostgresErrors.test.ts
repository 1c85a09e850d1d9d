// What an error of the connection to Postgres means: a reason to try again, whatever its code looks like.
import { assert, describe, it } from "@effect/vitest"
import pg from "pg"
import { failureOf } from "#shared/postgres/PostgresErrors.ts"

const ofSystem = (code: string) => Object.assign(new Error(`write ${code}`), { code, errno: -32, syscall: "write" })

const ofPostgres = (code: string) =>
  Object.assign(new pg.DatabaseError("it says so", 10, "error"), { code }) satisfies pg.DatabaseError

const tagOf = (cause: unknown) => {
  const failure = failureOf(cause)
  return "_tag" in failure ? failure._tag : "defect"
}

describe("an error of the connection", () => {
  for (const code of ["EPIPE", "EPERM", "EBUSY", "ECONNRESET", "ECONNREFUSED"]) {
    it(`${code} may pass`, () => assert.strictEqual(tagOf(ofSystem(code)), "PostgresError"))
  }

  it("without a code may pass", () => assert.strictEqual(tagOf(new Error("Connection terminated")), "PostgresError"))
})

describe("an error of Postgres", () => {
  for (const [code, tag] of [
    ["57P01", "PostgresError"],
    ["XX000", "PostgresError"],
    ["23505", "RefusedByPostgres"],
    ["28P01", "UnusablePostgres"],
    ["42P01", "UnusablePostgres"],
    ["42601", "defect"]
  ] as const) {
    it(`${code} is a ${tag}`, () => assert.strictEqual(tagOf(ofPostgres(code)), tag))
  }
})
