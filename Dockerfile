# One image for every service and for the command line: docker run carillon scheduler, docker run carillon carillon doctor.
# How to build it, and what was tried: deploy/image/README.md.

# Node 26. Pin it where you build: --build-arg NODE_IMAGE=docker.io/library/node:26-slim@sha256:…
ARG NODE_IMAGE=docker.io/library/node:26-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Node runs no TypeScript of a library, and no source map is read: more than half of what is installed can go.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && find node_modules -type f \( -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.map' \) -delete \
  && find node_modules -type d -empty -delete

FROM ${NODE_IMAGE} AS app
WORKDIR /app
# All that .dockerignore lets in.
COPY . .
RUN chmod -R a+rX,go-w . && install -d -o 65532 -g 65532 compile-cache
USER 65532:65532
# Loads all that there is: nothing is missing, and where the processor is of the same kind a start need not compile it again.
RUN --mount=type=bind,from=dependencies,source=/app/node_modules,target=/app/node_modules \
  NODE_COMPILE_CACHE=/app/compile-cache node deploy/image/Warm.ts \
  && NODE_COMPILE_CACHE=/app/compile-cache ./carillon --version

FROM ${NODE_IMAGE}
ARG NODE_IMAGE
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="carillon" \
  org.opencontainers.image.description="Sends messages to people at the time they were asked for." \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.source="${SOURCE}" \
  org.opencontainers.image.base.name="${NODE_IMAGE}"
# Left to itself Node lets the heap grow to 256 MiB even where less is allowed, and is killed without a word.
ENV HTTP_PORT=8080 \
  NODE_COMPILE_CACHE=/app/compile-cache \
  NODE_OPTIONS=--max-old-space-size-percentage=60 \
  PATH=/app:/usr/local/bin:/usr/bin:/bin
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=app /app .
# A number, so that Kubernetes can see that it is not root. Nothing is written: the root may be read-only.
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/app/deploy/image/entry.sh"]
