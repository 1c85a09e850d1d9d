// How a command ends when it does not succeed. Scripts can rely on the codes.
import { Schema } from "effect"

export const exitCodes = { unexpected: 1, refused: 2, notFound: 3, problems: 4, brokenOff: 130 } as const

/** The input was refused, here or by the scheduler. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", { message: Schema.String }) {
  readonly exitCode = exitCodes.refused
}

/** Nobody knows whether it was carried out, or will be. */
export class Unanswered extends Schema.TaggedError<Unanswered>()("Unanswered", { message: Schema.String }) {
  readonly exitCode = exitCodes.unexpected
}

/** There is no such message. */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { message: Schema.String }) {
  readonly exitCode = exitCodes.notFound
}

/** `doctor` found something; it is told already. */
export class ProblemsFound extends Schema.TaggedError<ProblemsFound>()("ProblemsFound", { message: Schema.String }) {
  readonly exitCode = exitCodes.problems
}
