// What a webhook takes: whatever a message can be, for it is passed on as it is.
import type { PlatformRules } from "./Platforms.ts"

export const webhookRules: PlatformRules = {
  addresses: ["url"],
  contentProblems: () => []
}
