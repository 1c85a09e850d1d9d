// What posts are signed with, by the name of the sender whose secret it is.
import { senderSecrets } from "#shared/gateway/sender/SenderSecrets.ts"
import { secret } from "#shared/service/Settings.ts"
import { WebhookSecret } from "./Signature.ts"

export const webhookSecret = secret(
  "WEBHOOK_SECRET",
  {
    says: "Signs what the sender `default` posts. To change it, both with a colon between: `whsec_new:whsec_old`",
    takes: "`whsec_` and 24 to 64 random bytes in base64: `echo whsec_$(openssl rand -base64 32)`",
    otherwise: "required, if `WEBHOOK_SECRETS` names none"
  },
  WebhookSecret
)
export const webhookSecrets = secret("WEBHOOK_SECRETS", {
  says: "The secrets of further senders by their names, one for each receiving system: a message names its `sender`",
  takes: "`north=whsec_…,south=whsec_…`"
})

export const secrets = senderSecrets({
  single: webhookSecret,
  several: webhookSecrets,
  schema: WebhookSecret,
  called: "secret of whsec_ and 24 to 64 bytes in base64",
  shape: "name=whsec_…"
})
