// Reads multipart/form-data as bots send it: fields as text, files as bytes. Pure.

export interface FilePart {
  readonly name: string
  readonly bytes: Buffer
}

export interface Form {
  readonly fields: Readonly<Record<string, string>>
  readonly files: Readonly<Record<string, FilePart>>
}

/** Nothing if it is no such form, or not the whole of one. */
export const readMultipart = (contentType: string, body: Buffer): Form | undefined => {
  const [, quoted, bare] = /^multipart\/form-data;\s*boundary=(?:"([^"]+)"|([^;]+))/i.exec(contentType) ?? []
  const boundary = quoted ?? bare
  if (boundary === undefined) return undefined
  const separator = Buffer.from(`\r\n--${boundary}`)
  // So that the first boundary is like all others.
  const all = Buffer.concat([Buffer.from("\r\n"), body])
  const fields: Record<string, string> = {}
  const files: Record<string, FilePart> = {}
  let at = all.indexOf(separator)
  while (at >= 0) {
    const start = at + separator.length
    if (all.subarray(start, start + 2).toString() === "--") return { fields, files }
    const end = all.indexOf(separator, start)
    const head = all.indexOf("\r\n\r\n", start)
    if (end < 0 || head < 0 || head > end) return undefined
    const headers = all.subarray(start, head).toString()
    const name = /[;\s]name="?([^";\r\n]*)"?/i.exec(headers)?.[1]
    const fileName = /[;\s]filename="?([^";\r\n]*)"?/i.exec(headers)?.[1]
    const bytes = all.subarray(head + 4, end)
    if (name === undefined) return undefined
    if (fileName === undefined) fields[name] = bytes.toString()
    else files[name] = { name: fileName, bytes }
    at = end
  }
  return undefined
}
