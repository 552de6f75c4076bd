# The image of every Airflow service of docker-compose.yaml. "slim" has Airflow's core only: what else runs in it is what
# requirements.txt pins, so that the image, `make demo` and `make test` run the same versions.
FROM apache/airflow:slim-3.3.2-python3.12

WORKDIR /opt/airflow

# The lock names every package with its hash, so nothing is resolved here (--no-deps).
COPY --chown=airflow:0 requirements.txt /opt/airflow/requirements.txt
RUN pip install --no-cache-dir --no-deps --require-hashes -r /opt/airflow/requirements.txt

COPY --chown=airflow:0 include /opt/airflow/include
COPY --chown=airflow:0 plugins /opt/airflow/plugins
COPY --chown=airflow:0 dags /opt/airflow/dags

# Made here, so that the volumes mounted on them belong to the user airflow and no service has to run as root.
RUN mkdir -p /opt/airflow/var/landing /opt/airflow/auth /opt/airflow/logs

ENV PYTHONPATH=/opt/airflow/include \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/airflow/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/airflow/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    INVOICES_HOME=/opt/airflow/var

USER airflow
