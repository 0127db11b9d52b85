# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
#
# The image has the paths of registry:2: configuration in /etc/docker/registry/config.yml, data in /var/lib/registry,
# port 5000, and the same command line. Unlike there the process is no superuser: a directory that is mounted must
# belong to user 5000, or `--user 0` be given.
#
#   docker build -t gantry .
#   docker run -p 5000:5000 -v registry:/var/lib/registry gantry

ARG SWIFT_IMAGE=swift:6.3-bookworm
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${SWIFT_IMAGE} AS build
WORKDIR /source
COPY scripts/setup scripts/setup
RUN scripts/setup build
COPY Package.swift ./
RUN swift package resolve
COPY Sources Sources
COPY Tests Tests
COPY Examples Examples
COPY LoadTests LoadTests
RUN swift build -c release --static-swift-stdlib --product registry \
 && install -D -m 755 .build/release/registry /out/registry \
 && strip /out/registry

FROM ${BASE_IMAGE} AS run
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      ca-certificates libcrypt1 libnghttp2-14 libssl3 libuv1 libyaml-0-2 \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 5000 registry \
 && useradd --uid 5000 --gid 5000 --home-dir /var/lib/registry --no-create-home --shell /usr/sbin/nologin registry \
 && install -d -o registry -g registry -m 755 /var/lib/registry
COPY config/docker.yml /etc/docker/registry/config.yml
COPY --from=build /out/registry /bin/registry
USER 5000:5000
VOLUME ["/var/lib/registry"]
EXPOSE 5000
STOPSIGNAL SIGTERM
ENTRYPOINT ["registry"]
CMD ["serve", "/etc/docker/registry/config.yml"]
