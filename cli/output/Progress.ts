// How far long work is: one line that renews itself on a terminal, one every five seconds elsewhere. On stderr.

export interface ProgressLine {
  /** `total` 0 if it is not known. */
  show(done: number, total: number): void
  end(): void
}

export const progressLine = (what: string): ProgressLine => {
  const begun = performance.now()
  const terminal = process.stderr.isTTY
  let shown = 0
  let drawn = false
  return {
    show: (done, total) => {
      const now = performance.now()
      if (now - shown < (terminal ? 100 : 5_000)) return
      shown = now
      const rate = (done / (now - begun)) * 1_000
      const share = total > 0 ? Math.min(1, done / total) : 0
      const bar =
        total > 0 ? `${"█".repeat(Math.round(share * 24)).padEnd(24, "░")} ${Math.floor(share * 100)} %  ` : ""
      const left = total > done && rate > 0 ? `, ${Math.ceil((total - done) / rate)} s left` : ""
      const line = `${bar}${done.toLocaleString("en")} ${what}, ${Math.round(rate).toLocaleString("en")}/s${left}`
      process.stderr.write(terminal ? `\r\u001b[2K${line}` : `${line}\n`)
      drawn = true
    },
    end: () => {
      if (terminal && drawn) process.stderr.write("\r\u001b[2K")
    }
  }
}
