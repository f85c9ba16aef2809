# Stands in for the official image where no registry can be reached: the server of the environment's wheel.
FROM python:3.11.14-slim-bookworm
COPY nats-server /usr/local/bin/nats-server
VOLUME /data
ENTRYPOINT ["nats-server"]
