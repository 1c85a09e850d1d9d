// What an error of the connection to Postgres means: a reason to try again, whatever its code looks like.
import { assert, describe, it } from "@effect/vitest"
import pg from "pg"
import { failureOf } from "#shared/postgres/PostgresErrors.ts"

const ofSystem = (code: string) => Object.assign(new Error(`write ${code}`), { code, errno: -32, syscall: "write" })

const ofPostgres = (code: string, where?: string) =>
  Object.assign(new pg.DatabaseError("it says so", 10, "error"), { code, where }) satisfies pg.DatabaseError

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

describe("an error that somebody's trigger raises", () => {
  const trigger = "PL/pgSQL function guard() line 3 at RAISE"
  const nested = `SQL function "check_it" statement 1\nSQL statement "SELECT check_it(1)"\n${trigger}`
  for (const code of ["55000", "P0002", "42883", "42501", "42P01", "PT400"])
    it(`is a refusal of the row, as ${code} too`, () => {
      assert.strictEqual(tagOf(ofPostgres(code, trigger)), "RefusedByPostgres")
      assert.strictEqual(tagOf(ofPostgres(code, nested)), "RefusedByPostgres")
    })

  for (const code of ["08006", "40001", "40P01", "53100", "55P03", "57014", "58030", "XX000"])
    it(`may pass if it is of the server's state, as ${code}`, () =>
      assert.strictEqual(tagOf(ofPostgres(code, trigger)), "PostgresError"))

  it("is told by its code alone, for its words may be of a row", () => {
    for (const code of ["55P03", "40001", "57014", "P0001"]) {
      const failure = failureOf(Object.assign(ofPostgres(code, trigger), { message: "canary Anna" }))
      assert.notInclude(failure.message, "canary", code)
      assert.include(failure.message, code)
    }
  })

  it("is none of a row where it is a function of ours, or the data of a COPY", () => {
    assert.strictEqual(tagOf(ofPostgres("42883", "PL/pgSQL function carillon_outbox.wake() line 3")), "defect")
    assert.strictEqual(tagOf(ofPostgres("42501", "PL/pgSQL function inline_code_block line 2")), "UnusablePostgres")
    assert.strictEqual(tagOf(ofPostgres("42883", 'COPY t, line 1: "PL/pgSQL function"')), "defect")
  })
})
