# The bus alone. Everything is set by environment variables (docs/CONFIGURATION.md, docs/TELEMETRY.md).
FROM python:3.11.13-slim-bookworm

WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY arqonbus arqonbus
COPY contracts contracts
RUN pip install --no-cache-dir . && rm -rf /src

WORKDIR /
RUN useradd --system --no-create-home bus
USER bus
EXPOSE 9100
ENV ARQONBUS_SERVER_HOST=0.0.0.0 ARQONBUS_LOG_FORMAT=json
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9100/ready', timeout=2)"]
# An exec form, so that SIGTERM reaches the bus and it drains.
CMD ["arqonbus", "run"]
