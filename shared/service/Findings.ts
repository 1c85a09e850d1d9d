// What a look at how things stand has found: of each thing whether it is as it should be, and if not, what to do.
export interface Finding {
  readonly check: string
  readonly ok: boolean
  /** It works, and is not as it should be for patients. */
  readonly warning?: true
  readonly detail: string
}

export const good = (check: string, detail: string): Finding => ({ check, ok: true, detail })
export const bad = (check: string, detail: string): Finding => ({ check, ok: false, detail })
export const doubtful = (check: string, detail: string): Finding => ({ check, ok: true, warning: true, detail })
