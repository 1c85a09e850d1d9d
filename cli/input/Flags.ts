// Flags and arguments that several commands share.
import { Option } from "effect"
import { Argument, Flag } from "effect/cli"

export const jsonFlag = Flag.Boolean("json").pipe(
  Flag.withDescription("JSON for programs instead of text for people"),
  Flag.withDefault(false)
)

export const optional = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.optional)

export const idArgument = Argument.String("id").pipe(Argument.withDescription("The message's id"))

export const reasonFlag = Flag.String("reason").pipe(
  Flag.withDescription("Kept with the record of delivery: no personal data"),
  Flag.optional
)

type Given<Flags> = { readonly [Name in keyof Flags]?: Flags[Name] extends Option.Option<infer A> ? A : never }

/** Those of the flags that were given, as fields of a command. */
export const given = <Flags extends Readonly<Record<string, Option.Option<unknown>>>>(flags: Flags) =>
  Object.fromEntries(
    Object.entries(flags).flatMap(([name, flag]) => (Option.isSome(flag) ? [[name, flag.value]] : []))
  ) as Given<Flags>
