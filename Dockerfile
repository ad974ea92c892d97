FROM python:3.11-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# The user has no home directory; Matplotlib caches its font list here, and deno its scripts.
ENV MPLCONFIGDIR=/app/var/matplotlib DENO_DIR=/app/var/deno
WORKDIR /app

# requirements-fleet.txt for several processes ([run] roles), requirements-youtube.txt for YouTube.
ARG REQUIREMENTS=requirements.txt
COPY ${REQUIREMENTS} requirements.txt
RUN pip install --no-cache-dir --require-hashes -r requirements.txt

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

RUN useradd --system --no-create-home ferry && mkdir -p var/identities && chown -R ferry var
USER ferry
VOLUME /app/var

# Healthy: Telegram has responded within the last minute ([files] heartbeat).
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, sys, time; sys.exit(time.time() - os.stat('var/heartbeat').st_mtime > 60)"]

STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "main.py"]
CMD ["run"]
