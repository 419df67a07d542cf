# Two stages: the toolchain builds one binary, and a slim Debian runs it.
#
#   docker build -t moonlet .
#   docker run --rm -p 7070:7070 -e MOONLET_TOKEN=... moonlet

FROM swift:6.3-bookworm AS build
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends \
        liblua5.4-dev libnghttp2-dev libjansson-dev zlib1g-dev libssl-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# Dependencies first, so that a change of our sources does not fetch them again.
COPY Package.swift Package.resolved* ./
COPY Sources ./Sources
COPY Tests ./Tests
RUN swift build -c release --product moonlet --static-swift-stdlib \
    --experimental-lto-mode=full \
    && strip --strip-debug "$(swift build -c release --show-bin-path)/moonlet" -o /moonlet

FROM debian:bookworm-slim
# Lua and the Swift runtime are in the binary; these are shared, so that Debian's security
# updates reach them. tzdata is for time.load_location.
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends libjansson4 libnghttp2-14 zlib1g libssl3 tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home --uid 10001 moonlet
COPY --from=build /moonlet /usr/local/bin/moonlet
WORKDIR /srv/moonlet
COPY openapi.yaml ./
COPY public ./public
COPY examples/worker-pool ./app
USER 10001
ENV MOONLET_LISTEN=0.0.0.0:7070
EXPOSE 7070
# No shell, no curl: the binary asks itself.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["moonlet", "health"]
ENTRYPOINT ["moonlet"]
CMD ["serve", "app"]
