// What a webhook takes: whatever a message can be, for it is passed on as it is.
import type { PlatformRules } from "./PlatformRules.ts"

export const webhookRules: PlatformRules = {
  addresses: ["url"],
  contents: "any",
  text: "any",
  // What the receiver does with it is its own affair.
  receipts: [],
  contentProblems: () => [],
  addressProblem: (address) => {
    if (!URL.canParse(address)) return "must be an address that can be read"
    const { username, password } = new URL(address)
    return username || password ? "must not have a user or password in it: posts are signed" : undefined
  }
}
