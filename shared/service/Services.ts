// The services by their names, and where each answers its probes unless it is told otherwise.
export const servicePorts = {
  scheduler: 8081,
  dispatcher: 8082,
  "telegram-gateway": 8083,
  ledger: 8084,
  "webhook-gateway": 8085,
  "table-bridge": 8086
} as const

export type ServiceName = keyof typeof servicePorts
