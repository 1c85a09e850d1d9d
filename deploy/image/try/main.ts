// npm run image:try: builds the image for real without a container engine, and runs every service of it.
import { Effect } from "effect"
import { runMain } from "#shared/service/RunService.ts"
import { baseImage } from "./BaseImage.ts"
import { build, imageName, size } from "./Build.ts"
import { requirements } from "./Buildah.ts"
import { contents, entry, heap } from "./Checks.ts"
import { openImage } from "./Container.ts"
import { journey } from "./Journey.ts"

runMain(
  Effect.gen(function* () {
    yield* requirements
    yield* baseImage
    yield* build
    const image = yield* openImage(imageName)
    yield* size(image)
    yield* contents(image)
    yield* entry(image)
    yield* heap(image)
    yield* journey(image)
  }).pipe(Effect.scoped)
)
