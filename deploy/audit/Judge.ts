// What npm says of the dependencies, judged: an advisory fails, a service that cannot be asked is said and does not.

export interface Verdict {
  readonly failed: boolean
  readonly says: ReadonlyArray<string>
}

const failing = ["high", "critical"]

interface Advisory {
  readonly severity?: string
  readonly name?: string
  readonly range?: string
}

const parsed = (output: string): Record<string, unknown> => {
  try {
    return JSON.parse(output) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** Of `npm audit --json`. */
export const advisories = (output: string): Verdict => {
  const { vulnerabilities } = parsed(output)
  if (typeof vulnerabilities !== "object" || vulnerabilities === null)
    return { failed: false, says: ["NOT AUDITED: the advisory service is out of reach"] }
  const found = Object.entries(vulnerabilities as Record<string, Advisory>)
  const bad = found.filter(([, { severity = "" }]) => failing.includes(severity))
  return {
    failed: bad.length > 0,
    says: [
      ...found.map(([name, { range, severity }]) => `${severity}: ${name} ${range ?? ""}`),
      `${found.length} dependencies have advisories, ${bad.length} of them ${failing.join(" or ")}`
    ]
  }
}

/** Of `npm audit signatures --json`. */
export const signatures = (output: string): Verdict => {
  const { invalid, missing } = parsed(output)
  if (!Array.isArray(invalid) || !Array.isArray(missing))
    return { failed: false, says: ["NOT VERIFIED: the keys of the registry's signatures are out of reach"] }
  const names = invalid.map((one: Advisory) => `invalid signature: ${one.name}`)
  return {
    failed: invalid.length > 0,
    says: [...names, `${invalid.length} invalid signatures, ${missing.length} missing`]
  }
}
