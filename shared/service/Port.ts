// A port as a setting: 0 takes any free one.
import { Config, Schema } from "effect"

export const port = (name: string, byDefault: number) =>
  Config.schema(
    Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 0, maximum: 65_535 })),
    name
  ).pipe(Config.withDefault(byDefault))
