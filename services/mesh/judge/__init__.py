"""The judge: how well does a hypothesis explain the photo? Named terms, fitted weights, one choice."""
