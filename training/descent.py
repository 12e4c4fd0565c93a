"""How the weights are changed: Muon for the transformer's matrices, AdamW for everything else.

Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks") takes steps that change a matrix in
all its directions alike. Scaled as in Liu et al. 2025 ("Muon is scalable for LLM training"), its steps are as long as
AdamW's, so one learning rate serves both.
"""

from __future__ import annotations

from typing import Any

import torch

from training.network import ShapeNet


class Descent:
    """Both optimizers as one."""

    def __init__(self, net: ShapeNet, rate: float, decay: float) -> None:
        """
        Args:
            net: whose weights are changed.
            rate: of learning; see ``set_rate``.
            decay: of matrices and kernels. Biases and norms do not decay.
        """
        matrices = [p for p in net.blocks.parameters() if p.ndim == 2]
        known = {id(p) for p in matrices}
        others = [p for p in net.parameters() if p.requires_grad and id(p) not in known]
        groups = [
            {"params": [p for p in others if p.ndim > 1], "weight_decay": decay},
            {"params": [p for p in others if p.ndim <= 1], "weight_decay": 0.0},
        ]
        self._optimizers: tuple[torch.optim.Optimizer, ...] = (
            torch.optim.Muon(matrices, lr=rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), fused=True),
        )

    def set_rate(self, rate: float) -> None:
        """The learning rate from now on."""
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate

    def forget_gradients(self) -> None:
        """Before the next backward pass."""
        for optimizer in self._optimizers:
            optimizer.zero_grad(set_to_none=True)

    def step(self) -> None:
        """Change the weights by their gradients."""
        for optimizer in self._optimizers:
            optimizer.step()

    def state(self) -> list[dict[str, Any]]:
        """Everything that going on needs, for ``resume``."""
        return [optimizer.state_dict() for optimizer in self._optimizers]

    def resume(self, state: list[dict[str, Any]]) -> None:
        """Go on from a ``state``."""
        for optimizer, saved in zip(self._optimizers, state, strict=True):
            optimizer.load_state_dict(saved)
