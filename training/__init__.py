"""The shape network: its data, its training and its export. Needs PyTorch for training only; nothing here runs in use.

``training.objects`` makes objects, ``training.shards`` renders them into a cache, ``training.network`` is the network,
``training.train`` the loop, ``training.export`` writes the ONNX file, ``training.evaluate`` measures it. The commands
and the way of the data are in docs/training.md.
"""
