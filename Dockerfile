# The function's image for OCI Functions, which runs it as 1000:1000 on a read-only root, with /tmp to write to.
# The last RUN takes the target's own Node.js, so build for linux/arm64 on an arm64 machine or with QEMU.

FROM --platform=$BUILDPLATFORM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
# The packages' own install scripts fetch what development needs alone.
RUN npm ci --ignore-scripts
COPY build.ts compile-cache.cjs ./
COPY src src
RUN node build.ts

FROM gcr.io/distroless/nodejs24-debian12
ARG TARGETARCH
LABEL org.opencontainers.image.title="postgres-inserter (${TARGETARCH})"
# HOME: the OCI SDK asks for it as it loads, and the user has no entry in /etc/passwd.
ENV NODE_ENV=production HOME=/tmp
WORKDIR /function
COPY --from=build --chmod=0644 /build/dist/func.js /build/dist/func.js.map /build/dist/LICENSES.txt /build/src/start.cjs ./
RUN --mount=type=bind,from=build,source=/build/compile-cache.cjs,target=/mnt/compile-cache.cjs \
    ["/nodejs/bin/node", "/mnt/compile-cache.cjs", "/function"]
USER 1000:1000
ENTRYPOINT ["/nodejs/bin/node"]
CMD ["/function/start.cjs"]
