# Two images: `train` (JAX with CUDA, films) and `prep` (also alignment, Whisper, language models).
# docs/docker.md says how to build and run them. What changes versions: the two ARGs, MFA_VERSION and
# docker/*.txt, whose first lines say how they were written.
ARG PYTHON_IMAGE=python:3.11.13-slim-bookworm
ARG MICROMAMBA_IMAGE=mambaorg/micromamba:2.5.0-debian12-slim

FROM ${PYTHON_IMAGE} AS builder
WORKDIR /build
RUN python3 -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
RUN pip install --no-cache-dir hatchling==1.27.0

FROM builder AS train-builder
COPY docker/train.txt ./
RUN pip install --no-cache-dir --requirement train.txt
COPY pyproject.toml README.md LICENSE ./
COPY llavataros llavataros
COPY llavataros_jax llavataros_jax
COPY data_prep data_prep
COPY configs configs
COPY corpus corpus
RUN pip install --no-cache-dir --no-deps --no-build-isolation .

FROM builder AS prep-builder
COPY docker/prep.txt ./
RUN pip install --no-cache-dir --requirement prep.txt
COPY pyproject.toml README.md LICENSE ./
COPY llavataros llavataros
COPY llavataros_jax llavataros_jax
COPY data_prep data_prep
COPY configs configs
COPY corpus corpus
RUN pip install --no-cache-dir --no-deps --no-build-isolation .

# The aligner needs Kaldi, which only conda-forge has, and Python packages of its own.
FROM ${MICROMAMBA_IMAGE} AS aligner
ARG MFA_VERSION=3.4.2
RUN micromamba create --yes --name mfa --channel conda-forge \
        "montreal-forced-aligner=${MFA_VERSION}" \
    && micromamba clean --all --yes

FROM ${PYTHON_IMAGE} AS runtime
# Named volumes take over the owner of the folders that they are mounted on.
RUN useradd --create-home --uid 1000 avatar \
    && install --directory --owner avatar --group avatar \
        /home/avatar/.cache /home/avatar/mfa /project/records /project/runs /project/outputs
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1
WORKDIR /project
COPY configs configs

FROM runtime AS prep
COPY --from=aligner /opt/conda/envs/mfa /opt/conda/envs/mfa
COPY --chmod=755 docker/mfa /usr/local/bin/mfa
COPY --from=prep-builder /opt/venv /opt/venv
ENV MFA_ROOT_DIR=/home/avatar/mfa
USER 1000
CMD ["llavataros", "prepare", "--help"]

# The last stage is what a plain `docker build` makes.
FROM runtime AS train
COPY --from=train-builder /opt/venv /opt/venv
USER 1000
CMD ["llavataros", "train", "--help"]
