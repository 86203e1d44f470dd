# The image of usertrail, for every role: docker build -t usertrail .
# It serves on port 3000 of the container and keeps what it is told in /var/lib/usertrail.
#
# As long as there are no API keys, an address that others reach is refused unless the one who runs the container says that
# everybody there may read, write and erase:
#   docker run -e USERTRAIL_ALLOW_ANONYMOUS=true -p 127.0.0.1:3000:3000 -v usertrail:/var/lib/usertrail usertrail

FROM debian:trixie-slim AS build
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /src
# What it is built with comes first and alone: it stays in the cache as long as the list does not change.
COPY tools/setup tools/setup
COPY src/interfaces/api/docs/package.json src/interfaces/api/docs/package-lock.json src/interfaces/api/docs/
COPY src/interfaces/dashboard/package.json src/interfaces/dashboard/package-lock.json src/interfaces/dashboard/
RUN tools/setup build
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY deploy/systemd deploy/systemd
COPY tools/build tools/build
COPY src src
RUN tools/build release usertrail \
    && install -D --strip build/usertrail /out/usertrail
# The packages that the program's libraries are in, read off the program, so that no list here can be out of date.
RUN objdump -p /out/usertrail | awk '$1 == "NEEDED" { print "*/" $2 }' \
    | xargs dpkg-query --search | sed -n '/^diversion /!s/:.*//p' | sort -u >/out/packages

FROM debian:trixie-slim
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
COPY --from=build /out/packages /usr/share/usertrail/packages
# Debian keeps only the newest version of a package in each release, so pinned ones could not be had for long.
# hadolint ignore=DL3008
RUN apt-get update \
    && xargs apt-get install -y --no-install-recommends ca-certificates </usr/share/usertrail/packages \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/usertrail /usr/local/bin/usertrail
# Running it once shows that every library is here. The user has a number that clusters can check for not being root.
RUN usertrail version \
    && groupadd --gid 10001 usertrail \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/usertrail --shell /usr/sbin/nologin usertrail \
    && install -d --owner 10001 --group 10001 --mode 0700 /var/lib/usertrail
ENV USERTRAIL_LISTEN=0.0.0.0:3000 \
    USERTRAIL_DATA_DIR=/var/lib/usertrail
USER 10001:10001
WORKDIR /var/lib/usertrail
VOLUME /var/lib/usertrail
EXPOSE 3000
# A folder whose log is large may take a while to be ready. Where another address is served, the check needs its --url.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["usertrail", "health"]
ENTRYPOINT ["usertrail"]
CMD ["serve"]
