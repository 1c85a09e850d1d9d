// The reference as a page for people: every subject with its schema file and one example.
import { commandNames } from "#shared/contract/Commands.ts"
import { type EventType, eventTypes } from "#shared/contract/Events.ts"
import { platforms } from "#shared/contract/fields/Fields.ts"
import { inWords, platformRules } from "#shared/platforms/Platforms.ts"
import { beyondSchema } from "./BeyondSchema.ts"
import { commandExamples, eventExample, postExample, replyExamples } from "./Examples.ts"
import { commandSchemas, eventSchemas, fileName } from "./JsonSchemas.ts"
import { apiAddress, commandAddress, eventAddress } from "./Subjects.ts"

const link = (name: string) => `[${fileName(name)}](${fileName(name)})`
const json = (value: unknown) => `\`\`\`json\n${JSON.stringify(value, undefined, 2)}\n\`\`\``
const descriptionOf = (name: string) =>
  [...commandSchemas, ...eventSchemas].find((file) => file.name === name)?.description ?? ""
const subject = (address: string) => `\`${address.replace(/\{(\w+)\}/g, "<$1>")}\``

/** Of most commands that are refused nobody knows the platform: those to cancel and to reschedule do not name it. */
const eventSubject = (type: EventType) => `${subject(eventAddress(type))}${type === "rejected" ? " or `unknown`" : ""}`

const commandRows = commandNames.map(
  (name) => `| \`${commandAddress(name)}\` | \`${apiAddress(name)}\` | ${link(name)} | ${descriptionOf(name)} |`
)

const eventRows = eventTypes.map(
  (type) => `| ${eventSubject(type)} | ${link(`event.${type}`)} | ${descriptionOf(`event.${type}`)} |`
)

export const page = `# Reference

Generated from the schemas in \`shared/contract\` by \`npm run docs\`: edit those, not this folder. Everything on this page
is in [asyncapi.json](asyncapi.json) too, for tools. Running examples in four languages stand in
[\`examples/\`](../../examples/README.md).

## Commands

Publish to the first subject, with JetStream (the stream answers when the command is stored) or without. Or send the same
as a NATS request to the second: it is answered once the command is carried out.

**Of one message the order counts**: a cancel before its schedule is refused, of two reschedules the last one holds. So of one message
wait for each reply before the next request, or publish to \`carillon.command.*\` on one connection, which keeps their order. Requests
that are not waited for go to whichever replica of the scheduler is free, and may be stored in another order, as may those of one
message by both ways. Commands about different messages may go side by side, and by either way.

| publish | request | schema | |
|---|---|---|---|
${commandRows.join("\n")}

A command is JSON in UTF-8: bare, or as a CloudEvent in binary mode (\`ce-*\` headers, which are not needed), or in
structured mode (\`content-type: application/cloudevents+json\`, the command in \`data\`). Fields that a command does not
have are refused. Whatever is refused becomes a \`rejected\` event that lists everything wrong with it, never the values.

The \`id\` is the idempotency key: publishing the same command again is harmless while its message waits, and then for at least
half of the time that the event log is kept (\`max_age\` of \`EVENTS\`: 30 days, of which half is 15, unless an operator has set
another). After that, or once a log that was full has lost it, the id is free, and what is said again is sent if its deadline
allows: do not say commands again whose messages have long ended. A \`Nats-Msg-Id\` is not needed; if you set one, make it new
for each command.

${commandNames.map((name) => `### ${name}\n\n${json(commandExamples[name])}`).join("\n\n")}

## Replies

To requests, as ${link("reply")} says, if their inbox begins with \`_INBOX\`, as it does unless a client is told otherwise: a prefix of another kind
gets no answer, and the command is carried out all the same. A rejection also has the header \`Nats-Service-Error-Code: 400\`. With the code 503 and
no payload the COMMANDS stream was out of reach: ask again. Of a message that is asked for after its
deadline \`"expired": true\` says that it is accepted, and not sent.

${Object.values(replyExamples).map(json).join("\n\n")}

## Rules beyond JSON Schema

${beyondSchema.map(({ rule }) => `- ${rule}`).join("\n")}

A local time that a change of the clock skips means the first instant after the gap; one that occurs twice, the first of the
two. Parts of a millisecond are rounded up. If both \`dueAt\` and \`expiresAt\` are skipped, the deadline is as long after the time
as the two are apart.

## Platforms

What each can do; a message that its platform cannot carry is refused before it is scheduled.

${platforms.map((name) => `- \`${name}\`: ${inWords(platformRules[name])}`).join("\n")}

A webhook's receiver is posted ${link("webhook.post")}, signed: see [webhooks](../webhook.md).

${json(postExample)}

## Events

On the stream \`EVENTS\`, as CloudEvents in binary mode: JSON in the payload, attributes in \`ce-*\` headers. \`ce-subject\` is the
message's id; \`ce-id\` is the same whenever an event is said again. Events gain fields: ignore those you do not know.
Those with a whole \`message\` in them hold personal data.

Refusals of \`cancel\` and \`reschedule\` name the platform only if it was found, and go to \`carillon.event.rejected.unknown\` otherwise,
as does whatever could not be read: to hear refusals, use \`carillon.event.rejected.*\`.

| subject | schema | |
|---|---|---|
${eventRows.join("\n")}

${eventTypes.map((type) => `### ${type}\n\n${json(eventExample(type))}`).join("\n\n")}
`
