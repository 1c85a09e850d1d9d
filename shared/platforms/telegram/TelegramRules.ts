// What Telegram takes.
import type { PlatformRules } from "./Platforms.ts"

export const telegramRules: PlatformRules = {
  address: "chatId",
  contentProblems: () => []
}
