// Rows as COPY reads them in its binary format: each cell with its length before it, so nothing needs to be spelled out.

const signature = Buffer.from("PGCOPY\n\xff\r\n\0", "latin1")
/** No flags, no extension. */
const head = Buffer.concat([signature, Buffer.alloc(8)])
const end = -1

/** JSON goes with the version of its format before it: a byte that is 1. */
export const binaryCell = (type: string, value: unknown): string => {
  if (type === "jsonb") return `\u0001${JSON.stringify(value)}`
  if (type === "text" && typeof value === "string") return value
  throw new Error(`no cell for a ${type}`)
}

export const binaryRows = (rows: ReadonlyArray<ReadonlyArray<string>>): Buffer => {
  // No character takes more than three bytes for each of its code units.
  const most = (cells: ReadonlyArray<string>) => cells.reduce((sum, cell) => sum + 4 + 3 * cell.length, 2)
  const bytes = Buffer.allocUnsafe(rows.reduce((sum, cells) => sum + most(cells), head.length + 2))
  let at = head.copy(bytes)
  for (const cells of rows) {
    at = bytes.writeInt16BE(cells.length, at)
    for (const cell of cells) {
      const length = bytes.write(cell, at + 4)
      at = bytes.writeInt32BE(length, at) + length
    }
  }
  return bytes.subarray(0, bytes.writeInt16BE(end, at))
}
