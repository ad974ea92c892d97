# Not built where Clipferry is developed: there is no Docker daemon. hadolint checks this file, and
# tests/deploy/ compares it with the program (docs/operating/installing.md).
FROM python:3.11-slim-trixie AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv --without-pip /venv

# Further sets of packages, separated by spaces: fleet for several processes ([run] roles), youtube,
# attestations for live updates of yt-dlp. They share their pins, so any of them fit together.
ARG REQUIREMENTS=""
COPY requirements.txt requirements-attestations.txt requirements-fleet.txt \
    requirements-youtube.txt /requirements/
# Every pin has a wheel for amd64 and arm64, so no compiler is needed. 45 MB less: the packages' own
# tests, and the formats of languages that the bot does not speak (locale/).
RUN echo "-r requirements.txt" > /requirements/all.txt \
    && for name in ${REQUIREMENTS}; do \
        [ -f "/requirements/requirements-${name}.txt" ] \
            || { echo "REQUIREMENTS: ${name} is no set of packages" >&2; exit 1; }; \
        echo "-r requirements-${name}.txt" >> /requirements/all.txt; \
    done \
    && pip --python /venv/bin/python install --no-cache-dir --require-hashes --only-binary :all: \
        -r /requirements/all.txt \
    && find /venv -type d -name tests -prune -exec rm -r {} + \
    && find /venv -regextype posix-extended -path '*/babel/locale-data/*.dat' \
        ! -regex '.*/(root|(ar|en|hi|id|ru|so|uk|vi)(_.*)?)[.]dat' -delete

WORKDIR /app
COPY main.py config.ini ./
COPY app app
COPY core core
COPY data data
COPY delivery delivery
COPY handlers handlers
COPY locale locale
COPY media media
COPY misc misc
COPY platforms platforms
COPY services services
# The root is read-only at run time, so the byte code is written now.
RUN /venv/bin/python -m compileall -q . && mkdir -p var/identities


FROM python:3.11-slim-trixie

# The user has no home directory; Matplotlib caches its font list here, and deno its scripts.
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    MPLCONFIGDIR=/app/var/matplotlib DENO_DIR=/app/var/deno

# The number that `useradd --system` gave in earlier images: their volumes keep their owner.
RUN useradd --system --uid 999 --no-create-home ferry
COPY --from=build /venv /venv
COPY --from=build /app /app
COPY --from=build --chown=999:999 /app/var /app/var

WORKDIR /app
# A number, because Kubernetes cannot check a name (runAsNonRoot).
USER 999
VOLUME /app/var

# Healthy: Telegram has responded within the last minute ([files] heartbeat; set another one in the
# environment, FILES_HEARTBEAT, so that it is found here).
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, sys, time; sys.exit(time.time() - os.stat(os.environ.get('FILES_HEARTBEAT') or 'var/heartbeat').st_mtime > 60)"]

STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "main.py"]
CMD ["run"]
