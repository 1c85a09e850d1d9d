// What can go wrong with Postgres, by what its caller may do about it; told without any value that a row may hold.
import { Schema } from "effect"
import pg from "pg"

/** Not now: unreachable, restarting, too busy, out of room, or in conflict with another. Trying again may help. */
export class PostgresError extends Schema.TaggedError<PostgresError>()("PostgresError", {
  problem: Schema.String,
  code: Schema.optionalKey(Schema.String)
}) {
  override get message() {
    return `Postgres: ${this.problem}`
  }
}

/** It will not store these values: out of range, not storable, against a constraint, or a trigger says no, with whatever code. */
export class RefusedByPostgres extends Schema.TaggedError<RefusedByPostgres>()("RefusedByPostgres", {
  code: Schema.String
}) {
  override get message() {
    return `Postgres refuses a value (SQLSTATE ${this.code})`
  }
}

/** This Postgres cannot be worked with as it is set up: a person must change something. */
export class UnusablePostgres extends Schema.TaggedError<UnusablePostgres>()("UnusablePostgres", {
  problem: Schema.String
}) {
  override get message() {
    return this.problem
  }
}

export type Failure = PostgresError | RefusedByPostgres | UnusablePostgres
export const isFailure = Schema.is(Schema.Union([PostgresError, RefusedByPostgres, UnusablePostgres]))

// Only these classes of SQLSTATE have messages that speak of the server, not of values.
const passing = ["08", "25", "40", "53", "55", "57", "58"]
const setUp = ["28", "3D", "42501"]
const missing = ["42P01", "42703", "3F000"]
const values = ["22", "23", "44", "P0001"]

/** Of the server's state also where a trigger meets them. Any other code a trigger raises is about a row. */
const passingAnywhere = ["08", "25", "40", "53", "55P03", "57", "58", "XX"]

/** Named in where an error comes from. Ours know no rows to refuse. */
const somebodysFunction = /^(PL\/\w+|SQL) function (?!carillon|inline_code_block)/m

/**
 * Where Postgres reads and writes its own files. What the system does not let it do there, as on a disk that has turned
 * read-only, it files under rights (42501), like a user who lacks them.
 */
const ofItsFiles = /^(md|fd|slru|xlog\w*|buffile|relmapper|copydir|twophase)\.c$/
const isOfItsFiles = (code: string, file: string | undefined) => code === "42501" && ofItsFiles.test(file ?? "")

const among = (code: string, prefixes: ReadonlyArray<string>) => prefixes.some((prefix) => code.startsWith(prefix))

/** What an error of the client means. Anything else is a mistake in our own SQL: a defect, with only its code. */
export const failureOf = (cause: unknown): Failure | Error => {
  // What the connection meets has a code too, and EPIPE looks like a SQLSTATE.
  if (!(cause instanceof pg.DatabaseError) || cause.code === undefined) {
    const { code, message } = cause as NodeJS.ErrnoException
    return new PostgresError({ problem: text(message, code) })
  }
  /** `file`: of the source of Postgres. */
  const { code, file, message, where = "" } = cause
  if (somebodysFunction.test(where) && !isOfItsFiles(code, file)) {
    if (!among(code, passingAnywhere)) return new RefusedByPostgres({ code })
    // Its words may be of a row, whatever its code.
    return new PostgresError({ problem: `a function of the database ends with SQLSTATE ${code}`, code })
  }
  if (among(code, passing)) return new PostgresError({ problem: text(message, code), code })
  if (isOfItsFiles(code, file)) return new PostgresError({ problem: text(message, code), code })
  // Nothing that we say brings this about; and what it says may be of anything.
  if (code.startsWith("XX"))
    return new PostgresError({ problem: `it fails within itself (SQLSTATE ${code}); its own log says why`, code })
  if (among(code, values)) return new RefusedByPostgres({ code })
  if (among(code, setUp)) {
    return new UnusablePostgres({
      problem: `Postgres says: ${text(message, code)}. See DATABASE_URL and the rights of its user.`
    })
  }
  if (missing.includes(code)) {
    return new UnusablePostgres({
      problem: `Postgres lacks a table or column (SQLSTATE ${code}): the ledger makes its own when it starts, or carillon ledger migrate does; carillon bridge migrate those of a bridge; are they of this version?`
    })
  }
  return new Error(`Postgres does not accept a statement (SQLSTATE ${code})`)
}

const text = (message: string | undefined, code: string | undefined) => message || code || "no answer"
