// Text as its publisher wrote it, to formatted text. Never an error, and always the same for the same text.
import type { Format } from "#shared/contract/Content.ts"
import type { Formatted } from "./Formatted.ts"
import { fromHtml } from "./Html.ts"
import { fromMarkdown } from "./Markdown.ts"

export const formatted = (text: string, format: Format = "plain"): Formatted => {
  switch (format) {
    case "html":
      return fromHtml(text)
    case "markdown":
      return fromMarkdown(text)
    case "plain":
      return { text: text.trim(), entities: [] }
  }
}
