// What Telegram takes.
import type { PlatformRules } from "./Platforms.ts"

export const telegramRules: PlatformRules = {
  addresses: ["chatId", "contact"],
  contentProblems: () => []
}
