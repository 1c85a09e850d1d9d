// What was asked for is not done, and why.
import { Schema } from "effect"

export class BridgeRefused extends Schema.TaggedError<BridgeRefused>()("BridgeRefused", { problem: Schema.String }) {
  readonly exitCode = 2
  override get message() {
    return this.problem
  }
}
