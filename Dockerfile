# The service with its web client, in three stages: the client, the package, and what runs.
#   docker build --tag chat-core .
#   docker run --publish 127.0.0.1:5000:5000 --volume chat:/data --env JWT_SECRET=… chat-core

FROM node:24-slim AS web
WORKDIR /src/apps/chat_web
COPY apps/chat_web/package.json apps/chat_web/package-lock.json apps/chat_web/.npmrc ./
RUN npm ci --ignore-scripts --omit=dev --loglevel=error
COPY apps/chat_web ./
RUN node node_modules/vite/bin/vite.js build --logLevel warn

FROM python:3.11-slim AS package
WORKDIR /src
COPY requirements/server.txt requirements/
RUN python -m venv /opt/chat
# The lock names every version with its hash, and what the wheel is built with.
RUN /opt/chat/bin/python -m pip install --no-cache-dir --no-deps --require-hashes -r requirements/server.txt
COPY pyproject.toml README.md LICENSE ./
COPY chat_core chat_core
COPY adapters adapters
COPY apps apps
COPY --from=web /src/apps/chat_web/dist apps/chat_web/dist
RUN /opt/chat/bin/python -m hatchling build -t wheel
RUN /opt/chat/bin/python -m pip install --no-deps --no-index dist/*.whl
RUN /opt/chat/bin/python -m pip uninstall --yes --quiet hatchling editables pip
RUN mkdir /data

FROM python:3.11-slim
COPY --from=package /opt/chat /opt/chat
# Nobody in particular: a number that no user of the machine has.
COPY --from=package --chown=65532:65532 /data /data
ENV CHAT_ENV=production DATABASE_URL=sqlite:////data/chat.db PORT=5000 PYTHONUNBUFFERED=1
WORKDIR /data
VOLUME /data
USER 65532:65532
EXPOSE 5000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=40s CMD ["/opt/chat/bin/python", "-m", "chat_server.healthcheck"]
CMD ["/opt/chat/bin/chat-server", "run"]
