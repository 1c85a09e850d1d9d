// What is to be known of a platform before anything is sent to it.
import type { TooLong } from "#shared/contract/Content.ts"
import type { Content, Problem, Recipient } from "#shared/contract/fields/Fields.ts"

/** What a platform can do. Submission refuses by it; people read it in `carillon doctor` and in docs/reference. */
export interface Capabilities {
  /** The kinds of address it takes, the usual one first. */
  readonly addresses: ReadonlyArray<keyof Recipient>
  /** The kinds of content that it carries. */
  readonly contents: ReadonlyArray<Content["type"]> | "any"
  /** The longest text that goes in one piece, in code points, and what becomes of a longer one. */
  readonly text: { readonly longest: number; readonly beyond: "refused" | "parts" } | "any"
  /** What it tells of a message after it has taken it; nothing means that `sent` is the last to be known. */
  readonly receipts: ReadonlyArray<"delivered" | "read">
}

export interface PlatformRules extends Capabilities {
  /** What of such a content could never be sent. Paths begin at the content. */
  readonly contentProblems: (content: Content) => ReadonlyArray<Problem>
  /** The same of an address of its kind, beyond what the contract says of it. Never the address itself. */
  readonly addressProblem?: (address: string) => string | undefined
  /** The content with what is to be done if its text is too long, where that matters and it says nothing itself. */
  readonly settled?: (content: Content, tooLong: TooLong) => Content
}
