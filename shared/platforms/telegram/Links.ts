// Which addresses a link can have: Telegram refuses a whole message for one that it does not take.

/** As Telegram takes it: http and https with a real host, and tg. Nothing for any other. */
export const linkUrl = (address: string): string | undefined => {
  const trimmed = address.trim()
  if (/^tg:\/\/[a-z0-9_-]+\/?(\?[!-~]*)?$/i.test(trimmed)) return trimmed
  const url = /^https?:\/\//i.test(trimmed) ? URL.parse(trimmed) : null
  // A host without a dot is none to Telegram's server, nor is a port 0.
  if (!url || !(url.hostname.includes(".") || url.hostname.startsWith("[")) || url.port === "0") return undefined
  if (!/^[a-z0-9.[\]:-]+$/.test(url.hostname) || /^\.|\.\.|^\[?$/.test(url.hostname)) return undefined
  return url.href.length <= 2_048 ? url.href : undefined
}

/** Of mailto: and tel:, which Telegram makes no links of, but finds by itself in the text. */
export const contactIn = (address: string): string | undefined => {
  const [, rest] = /^(?:mailto|tel):([^?]+)/i.exec(address.trim()) ?? []
  if (rest === undefined) return undefined
  try {
    return decodeURIComponent(rest)
  } catch {
    return rest
  }
}
