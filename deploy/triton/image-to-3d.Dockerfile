# Triton with TripoSR's and TRELLIS's own code, each at the commit that docs/models names. None of it is copied into this
# project. TRELLIS's CUDA extensions are compiled here, so this builds on a machine with NVIDIA's CUDA toolkit image.
#
#   docker build -f deploy/triton/image-to-3d.Dockerfile --build-arg TRITON=lensora-triton:0.1.0 -t lensora-triton-3d .
ARG TRITON=lensora-triton:0.1.0
FROM ${TRITON}

ARG TRIPOSR_COMMIT=107cefdc244c39106fa830359024f6a2f1c78871
ARG TORCHMCUBES_COMMIT=879926d0ef58e6ce0ac2630fdecb5e53af7ed3ff
ARG TRELLIS_COMMIT=442aa1e1afb9014e80681d3bf604e8d728a86ee7
# What rembg, xformers and the others are good for here is only that upstream imports them.
ARG TRIPOSR_PACKAGES="omegaconf==2.3.0 einops==0.8.1 trimesh==4.6.8 imageio==2.37.0 rembg==2.0.66"
ARG TRELLIS_PACKAGES="easydict==1.13 tqdm xformers spconv-cu120 kaolin"

USER 0:0
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /opt/upstream
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends git build-essential \
    && rm -rf /var/lib/apt/lists/*
# A path file makes both packages importable: neither has a setup of its own.
RUN git init -q TripoSR \
    && git -C TripoSR fetch -q --depth 1 https://github.com/VAST-AI-Research/TripoSR.git ${TRIPOSR_COMMIT} \
    && git -C TripoSR checkout -q --detach FETCH_HEAD \
    && git init -q TRELLIS \
    && git -C TRELLIS fetch -q --depth 1 https://github.com/microsoft/TRELLIS.git ${TRELLIS_COMMIT} \
    && git -C TRELLIS checkout -q --detach FETCH_HEAD \
    && git -C TRELLIS submodule update --init --recursive --depth 1 \
    && rm -rf TripoSR/.git TRELLIS/.git \
    && printf '/opt/upstream/TripoSR\n/opt/upstream/TRELLIS\n' \
        > "$(python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')/upstream.pth"
# hadolint ignore=DL3013,DL3042
RUN read -ra packages <<< "${TRIPOSR_PACKAGES} ${TRELLIS_PACKAGES}" \
    && python3 -m pip --python /opt/lensora/nets/bin/python install --no-cache-dir "numpy<2" "${packages[@]}" \
        "torchmcubes @ git+https://github.com/tatsy/torchmcubes.git@${TORCHMCUBES_COMMIT}"
# What upstream would fetch while it loads is put in its place beforehand, because the server runs offline:
# TripoSR reads facebook/dino-vitb16's configuration, TRELLIS loads facebookresearch/dinov2 through torch.hub.
ENV HF_HOME=/var/lib/lensora/models/hub \
    TORCH_HOME=/var/lib/lensora/models/torch
USER 10001:10001
WORKDIR /
