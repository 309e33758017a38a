# The image of serving.yaml: docker build -f docs/operations/serving.Dockerfile -t autotag-serving .
# The lock also holds what a night needs, so that one bill of materials speaks for both; Java and jars are left out.
FROM python:3.12-slim
WORKDIR /opt/autotag
COPY requirements.lock setup.py README.md ./
RUN awk '/^uv==/ { on = 1 } on { print } on && !/\\$/ { exit }' requirements.lock > uv.txt \
 && pip install --no-cache-dir --require-hashes -r uv.txt \
 && uv pip install --system --no-cache --require-hashes -r requirements.lock
COPY autotag_core autotag_core
COPY udfs udfs
COPY jobs jobs
RUN uv pip install --system --no-cache --no-deps --no-build-isolation .
# Converted networks and compiled loops; nobody's home is there.
ENV XDG_CACHE_HOME=/tmp/cache NUMBA_CACHE_DIR=/tmp/cache/numba
USER 65534
EXPOSE 8080 8081 8082
ENTRYPOINT ["autotag", "serve", "--host", "0.0.0.0"]
