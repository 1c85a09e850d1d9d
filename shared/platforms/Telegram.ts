// What Telegram takes.
import type { PlatformRules } from "./Platforms.ts"

export const telegramRules: PlatformRules = {
  address: "chatId",
  contents: ["text"],
  text: { longest: 4_096, beyond: "refused" },
  // Bots are told neither.
  receipts: [],
  contentProblems: () => []
}
